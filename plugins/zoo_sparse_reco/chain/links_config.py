"""Settings of the links between stages."""

from __future__ import annotations

from typing import Literal

from zoo.api import Config

__all__ = ["ClassesConfig", "FragmentsConfig", "ParticlesConfig"]


class ClassesConfig(Config):
    """Classes and points of a model of ``sparse-semantic``: nothing to choose."""


class FragmentsConfig(Config):
    """Fragments of a model of ``sparse-cluster``: nothing to choose."""


class ParticlesConfig(Config):
    """Particles out of the groups of one or several models of ``sparse-group``."""

    others: Literal["none", "truth"] = "none"
    """Voxels of no group of this model that no link before has given a particle: of none, or, for
    studies of one stage, of their true shower or track."""
