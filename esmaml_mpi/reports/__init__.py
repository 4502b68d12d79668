"""What a results file says, for people and for other programs. Files of running jobs too."""
