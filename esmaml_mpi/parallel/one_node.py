"""Open MPI without its components for networks, where all ranks are on one node and talk through its memory.

Looking for networks takes each rank most of the time in which MPI becomes ready, hundreds of looks at files, and
libraries in its memory.
"""

import os

from esmaml_mpi.parallel.launcher import ranks_here

# Excluded by name; names that an Open MPI does not know are no concern to it. TCP stays: where ranks are in containers
# of their own, they may share no memory.
WITHOUT_NETWORKS = {
    "OMPI_MCA_pml": "^cm,ucx,yalla",
    "OMPI_MCA_btl": "^ofi,openib,portals4,uct,usnic",
    "OMPI_MCA_osc": "^portals4,ucx",
}
CHOICES = (*WITHOUT_NETWORKS, "OMPI_MCA_mtl")


def leave_networks_out() -> None:
    """Before MPI is made ready. Where the environment chooses components, as mpirun's `--mca` does, it has them."""
    alone = ranks_here() is not None and str(ranks_here()) == os.environ.get("OMPI_COMM_WORLD_SIZE")
    if alone and not any(name in os.environ for name in CHOICES):
        os.environ.update(WITHOUT_NETWORKS)
