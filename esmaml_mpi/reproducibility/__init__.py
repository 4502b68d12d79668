"""What makes numbers the same anywhere: keyed randomness, exact sums, linear algebra, a fingerprint of arithmetic."""
