"""What a prediction of the task ``sparse-masked`` is.

The sample is an event like that of every task of this plugin; nothing but its voxels and their
energies is read. What is asked about follows from the event's id: see
:mod:`zoo_sparse_reco.masking.patches`.
"""

from __future__ import annotations

from zoo.api import Field, Specs

__all__ = ["PREDICTION"]


def _asked(dtype: str, meaning: str, unit: str = "", maximum: float | None = None) -> Field:
    return Field(
        dims=("asked",),
        dtype=dtype,
        ragged=True,
        meaning=meaning,
        unit=unit,
        minimum=0,
        maximum=maximum,
    )


PREDICTION: Specs = {
    "asked_x": _asked("uint16", "places that are asked about: number along x"),
    "asked_y": _asked("uint16", "along y"),
    "asked_z": _asked("uint16", "along z"),
    "asked_place": _asked(
        "int8", "1: it is hidden whether there is a voxel, 0: only its energy is", maximum=1
    ),
    "asked_energy": _asked(
        "float32", "energy of the voxel, if there is one: its geometric mean", unit="MeV"
    ),
    "asked_occupancy": _asked("float32", "probability that there is a voxel", maximum=1),
}
"""What a model answers, in rising order of (x, y, z)."""
