"""The systems ES-MAML is compared with: MAML by policy gradients, E-MAML, first-order MAML and Evo-MAML.

An optional part: ``pip install "esmaml-mpi[baselines]"`` for JAX. Nothing outside this package imports it. All is
functions of one task's data, which ask for no rollouts and no messages: trajectories are sampled, and contributions
added, by the caller. Objectives are performances, to be increased.
"""
