"""What makes numbers the same at any number of ranks: keyed randomness, exact sums, a fingerprint of the arithmetic."""
