"""The systems ES-MAML is compared with: MAML by policy gradients, E-MAML, first-order MAML and Evo-MAML.

An optional part: ``pip install "esmaml-mpi[baselines]"`` for JAX. Nothing outside this package imports it but by the
registries of algorithms and operators. Modules that those name need no JAX to be imported. The mathematics is functions
of one task's data; objectives are performances, to be increased.
"""
