"""Numbers that simulation, fits and metrics share."""

from __future__ import annotations

__all__ = ["GEV_PER_TESLA_METRE", "MUON_GEV", "RADIATION_LENGTH_M"]

GEV_PER_TESLA_METRE = 0.299792458
"""Momentum in GeV/c over field in T and radius in m: the speed of light (exact, SI)."""

MUON_GEV = 0.1056583755
"""Mass of the muon, GeV/c^2 (Particle Data Group, CODATA 2018)."""

RADIATION_LENGTH_M = 117.5
"""Of Ar:CF4:iC4H10 95:3:2 at one atmosphere and 20 degrees: argon 19.55 g/cm2, CF4 33.99, isobutane
45.23, and their densities (Particle Data Group, from memory)."""
