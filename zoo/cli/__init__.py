"""The command line: one small file per command; it composes and computes nothing."""
