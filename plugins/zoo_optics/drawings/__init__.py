"""The figures of optics, one subject a module."""
