"""Rollouts: the hot loop, the rollouts of a unit of work, and what is measured of them."""
