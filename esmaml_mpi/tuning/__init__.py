"""Searching an experiment file's settings with Optuna: which trials, their runs at equal rollouts, what was found."""
