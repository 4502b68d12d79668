"""A small quadruped with eight position-controlled motors, whose dynamics differ between tasks."""
