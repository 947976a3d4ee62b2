"""Classes, points and ghosts without a network: what is around a voxel, and fitted tables."""
