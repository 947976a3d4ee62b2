"""Settings of mini-graph."""

from __future__ import annotations

from zoo.api import Config


class EdgeNetConfig(Config):
    """A graph network."""

    width: int = 16
    """Features of a node and of an edge."""
    rounds: int = 2
    """Rounds of message passing."""


class NearestConfig(Config):
    """Distance between two fragments."""

    distance: float = 5.0
    """Fragments nearer than this belong together, voxels."""


class FragmentsConfig(Config):
    """How voxels become fragments."""

    cell: int = 4
    """Edge of a coarse cell, voxels; the voxels in it make one fragment."""
