"""Reconstructed events against the truth."""
