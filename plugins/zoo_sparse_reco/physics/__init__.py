"""Voxels, classes and the passage of particles through liquid argon."""
