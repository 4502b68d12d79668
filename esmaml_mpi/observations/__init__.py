"""Running mean and standard deviation of observations, shared by a run or kept for each unit."""
