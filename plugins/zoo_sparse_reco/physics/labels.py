"""Classes of voxels and of particles, numbered as in the field's files.

Codes of classes and particles are those of SPINE and Supera, which PILArNet-M and LArCV files use.
Their order never changes: files and published weights know the numbers alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

__all__ = ["GHOST", "NO_CLASS", "SCHEMES", "Pid", "Semantic", "class_names"]


class Semantic(IntEnum):
    """What deposited the energy of a voxel, in the scheme ``spine``."""

    SHOWER = 0
    TRACK = 1
    MICHEL = 2
    DELTA = 3
    LOW_ENERGY = 4


GHOST = 5
"""Class of a voxel that no particle crossed, in any scheme: three wires met there by chance."""

NO_CLASS = -1
"""Class of a voxel that nobody knows: it teaches and judges nothing."""


class Pid(IntEnum):
    """Kind of a particle; -1 where none is known."""

    PHOTON = 0
    ELECTRON = 1
    MUON = 2
    PION = 3
    PROTON = 4
    KAON = 5


SCHEMES: Mapping[str, tuple[str, ...]] = {
    "spine": ("shower", "track", "michel", "delta", "low-energy"),
    "hip-mip": ("hip", "mip", "shower", "delta", "michel"),
}
"""Names of the classes 0 to 4: ``spine`` is today's; ``hip-mip`` that of arXiv:1903.05663, which
tells highly ionising tracks, of protons, from all others and has no class of low energy."""


def class_names(scheme: str) -> tuple[str, ...]:
    """Names of the five classes.

    Raises:
        KeyError: There is no such scheme.
    """
    return SCHEMES[scheme]
