"""Liquid-argon events as sparse voxels: what each one is, and where particles start and end."""
