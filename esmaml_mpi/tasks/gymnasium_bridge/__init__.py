"""Any Gymnasium environment as a task family, from the configuration alone."""
