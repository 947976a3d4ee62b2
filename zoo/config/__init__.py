"""Configuration: typed sections, layered values that know where they came from, TOML."""
