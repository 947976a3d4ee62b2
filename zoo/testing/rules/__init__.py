"""The code of the rules: a small file for one, or a few related ones."""
