"""Policies in batches: linear, multi-layer, recurrent and timed. To add one: write a file with such a class
(``contract.py``) and add a line to ``POLICIES``, or name it from outside (docs/extending.md).
"""

from esmaml_mpi.settings.registry import Registry

# name -> where its class is; imported only when used.
POLICIES = Registry(
    "policy.architecture",
    "policies",
    {
        "mlp": "esmaml_mpi.policies.mlp:Policy",
        "gru": "esmaml_mpi.policies.gru:Gru",
        "elman": "esmaml_mpi.policies.elman:Elman",
        "timed": "esmaml_mpi.policies.timed:Timed",
    },
    methods=("initial", "bind"),
    attributes=("size", "observation_size", "noise_per_step"),
)
