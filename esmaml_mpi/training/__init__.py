"""A training run: its loop, its start on all ranks, state, progress, interruption; and training from Python."""
