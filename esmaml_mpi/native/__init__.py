"""Compiled kernels, and the NumPy that they equal bit for bit and that runs where there are none."""
