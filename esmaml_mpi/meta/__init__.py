"""Meta-learning algorithms, one a file. To add one: write a file with such a class and add a line to ``ALGORITHMS``."""

from esmaml_mpi.meta.zero_order import ZeroOrder

ALGORITHMS = {"zero_order": ZeroOrder}
