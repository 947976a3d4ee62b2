"""What a sample and a prediction of the task ``calo`` are. One row is one shower.

A shower is the list of its cells with energy; the grid (:mod:`zoo_calo.physics.grid`) says where
cell ``n`` lies. Energies of the particle are in GeV, those of cells in MeV, as measured: without
factors for the sampling of a layer, which are the grid's.
"""

from __future__ import annotations

from zoo.api import Field, Specs

__all__ = ["CELLS", "PREDICTION", "SAMPLE"]

CELLS: Specs = {
    "cell": Field(
        dims=("hit",), dtype="int32", ragged=True, minimum=0, meaning="cells with energy, each once"
    ),
    "deposit": Field(
        dims=("hit",), dtype="float32", unit="MeV", ragged=True, minimum=0, meaning="energy in each"
    ),
}
"""Cells with energy, in rising order; the same offsets for both columns."""

SAMPLE: Specs = {
    "energy": Field(dtype="float32", unit="GeV", minimum=0, meaning="of the particle"),
    "theta": Field(
        dtype="float32",
        unit="rad",
        optional=True,
        minimum=0,
        maximum=3.1415927,
        meaning="its polar angle as published: pi / 2 is along the layers' normal",
    ),
    **CELLS,
    "outside": Field(
        dtype="float32",
        unit="MeV",
        optional=True,
        minimum=0,
        meaning="energy that the detector saw outside of the grid",
    ),
}

PREDICTION: Specs = CELLS
"""A shower of the sample's energy (and angle): another one, not an estimate of that one."""
