"""Policies: linear and multi-layer, in batches."""
