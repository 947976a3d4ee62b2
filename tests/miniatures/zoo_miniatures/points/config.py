"""Settings of mini-points."""

from __future__ import annotations

from zoo.api import Config


class NeighbourNetConfig(Config):
    """Two layers over six neighbours, two heads."""

    width: int = 16
    """Features of a voxel."""
    reach: float = 4.0
    """Voxels nearer to the vertex than this vote for it, in voxels."""
    vertex_weight: float = 0.1
    """Weight of the vertex head's loss."""


class DensityConfig(Config):
    """Occupied voxels in a cube of five."""

    neighbours: int = 12
    """From so many neighbours on, a voxel counts as shower, unless fitted."""


class EventsConfig(Config):
    """Two tracks and a shower."""

    edge: int = 24
    """Voxels along one edge of the volume."""
    track_length: float = 10.0
    """Length of a track, voxels."""
    spread: float = 1.5
    """Width of the shower, voxels."""
    energy_noise: float = 0.1
    """Relative noise of a voxel's charge."""
