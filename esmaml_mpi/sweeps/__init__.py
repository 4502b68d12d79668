"""Many runs from one experiment file: which they are, how far each is, and running them on one machine."""
