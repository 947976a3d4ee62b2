"""Masked voxels: a backbone learns from events without labels."""
