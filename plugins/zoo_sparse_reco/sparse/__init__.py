"""Sparse convolution in plain torch, and the tables of neighbours that it needs."""
