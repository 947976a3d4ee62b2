"""Whether showers are what they seem: signs, units, and whether there is any energy at all.

The unit of an energy is not in the files. What can be told is the median of the visible energy for
each GeV of the particle: some 30 MeV in sandwiches of silicon or scintillator, up to 1000 where all
energy is seen or the sampling is corrected for. A thousandth or a thousand times as much is a unit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = ["require_angles", "require_deposits", "require_particles", "require_plausible"]

Array = NDArray[np.float32]


def require_deposits(deposit: Array, where: str) -> None:
    """Refuse energies of cells, any shape, that are negative or not finite.

    Raises:
        DataError: Some are.
    """
    finite = np.isfinite(deposit)
    if not finite.all():
        raise DataError(
            f"{int(np.count_nonzero(~finite))} energies of cells are not finite",
            where=where,
            remedy="find what made them and write the file again",
        )
    negative = deposit < 0
    if negative.any():
        raise DataError(
            f"{int(np.count_nonzero(negative))} energies of cells are negative, the lowest is "
            f"{float(deposit.min()):.3g} MeV",
            where=where,
            remedy="write what was deposited, before noise and pedestals",
        )


def require_particles(energy: Array, where: str) -> None:
    """Refuse energies of particles, (N,), that are not positive numbers.

    Raises:
        DataError: Some are not.
    """
    wrong = ~(np.isfinite(energy) & (energy > 0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{int(np.count_nonzero(wrong))} particles have no positive energy: row {row} has "
            f"{float(energy[row]):.3g} GeV",
            where=where,
            remedy="write the energy of every particle",
        )


def require_angles(theta: Array, where: str) -> None:
    """Refuse polar angles, (N,), that are no radians between 0 and pi.

    Raises:
        DataError: Some are not.
    """
    if np.any((theta <= 0) | (theta >= np.pi)):
        raise DataError(
            f"polar angles from {float(theta.min()):.4g} to {float(theta.max()):.4g}",
            where=where,
            remedy="write radians; pi / 2 is along the normal of the layers",
        )


def require_plausible(
    energy: Array,
    visible: Array,
    plausible: Sequence[float],
    most_empty: float,
    where: str,
) -> None:
    """Refuse showers that are empty, or whose energies must have another unit.

    Args:
        energy: (N,), GeV, of the particles.
        visible: (N,), MeV, in all cells.
        plausible: Least and largest median of MeV seen for each GeV.
        most_empty: Share of showers that may have no energy.
        where: Names them in errors.

    Raises:
        DataError: They are.
    """
    if not len(energy):
        return
    empty = visible <= 0
    if empty.all() or empty.mean() > most_empty:
        raise DataError(
            f"{int(empty.sum())} of the {len(empty)} showers looked at have no energy at all",
            where=where,
            remedy="the simulation lost its hits, or the layers are of another detector; raise "
            "data.options.most_empty if this is meant",
        )
    median = float(np.median(visible[~empty] / energy[~empty]))
    low, high = plausible
    if low <= median <= high:
        return
    factors = [f for f in (1000.0, 0.001) if low <= median * f <= high]
    told = {1000.0: "cells in GeV, or particles in MeV", 0.001: "cells in keV, or particles in TeV"}
    fits = f"it would fit {told[factors[0]]}: " if factors else ""
    raise DataError(
        f"a median of {median:.3g} MeV is seen for each GeV of the particle; plausible is {low:g} "
        f"to {high:g}",
        where=where,
        remedy=f"{fits}write cells in MeV and particles as the format has them, or set "
        "data.options.plausible_mev_per_gev",
    )
