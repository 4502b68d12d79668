"""What an experiment is: typed sections read from TOML, checked, and made into objects."""
