"""A trained meta-policy in use: from its file, adapted to tasks or to a robot, acting."""
