"""The `esmaml` command: one file a command, each with its arguments and how it is carried out."""
