"""The `esmaml` command, also as `python -m esmaml_mpi`."""

import sys


def main() -> int:
    """Run the command as the command line says; returns its exit code."""
    from esmaml_mpi.commands.quick_imports import import_quickly

    import_quickly()  # before everything else is imported
    from esmaml_mpi.commands.main import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
