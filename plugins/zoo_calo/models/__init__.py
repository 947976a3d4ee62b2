"""Networks, one design a file."""
