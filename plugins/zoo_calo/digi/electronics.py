"""Deposits to what is read out: units of a MIP, noise, saturation, and a threshold.

What AHCAL-like digitisers do (threshold of half a MIP, pixels that saturate), in this order:
deposit over MIP; photo-electrons that share pixels, ``pixels (1 - exp(-n / pixels))``; Gaussian
noise on every cell, the empty ones included; the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import ndtri
from scipy.stats import norm

from zoo.api import Config, Ragged, Table, generator
from zoo_calo.observables.hits import Hits, hits_of
from zoo_calo.physics.grid import Grid

__all__ = ["Electronics", "Saturation", "digitise", "saturated"]

Array = NDArray[np.float64]


class Saturation(Config):
    """Of a silicon photomultiplier."""

    photoelectrons: float = Field(default=15.0, gt=0)
    """Of a MIP."""
    pixels: float = Field(default=2668.0, gt=0)
    """That can fire once."""


class Electronics(Config):
    """What happens to the energy of a cell."""

    threshold_mip: float = Field(default=0.5, ge=0)
    """Cells below are lost."""
    noise_mip: float = Field(default=0.0, ge=0)
    """Standard deviation of every cell."""
    saturation: Saturation | None = None
    """Absent: silicon, which does not saturate."""


def saturated(mip: Array, saturation: Saturation) -> Array:
    """What fires, in MIP: near the input while it is much less than all pixels."""
    full = saturation.pixels / saturation.photoelectrons
    fired: Array = full * -np.expm1(-np.asarray(mip, np.float64) / full)
    return fired


def digitise(
    showers: Mapping[str, Any], grid: Grid, electronics: Electronics, keys: NDArray[np.uint64]
) -> Table:
    """The same showers as read out; ``deposit`` is in MIP.

    Args:
        showers: ``id``, ``cell`` and ``deposit`` (MeV).
        grid: Theirs.
        electronics: Without noise nothing is random.
        keys: (N,), of the noise of each shower, which does not depend on the others.

    Raises:
        DataError: As :func:`zoo_calo.observables.hits.hits_of`.
    """
    hits = hits_of(showers, grid)
    mip = hits.deposit / grid.mip_mev
    if electronics.saturation is not None:
        mip = saturated(mip, electronics.saturation)
    shower, cell = hits.shower, hits.cell
    if electronics.noise_mip > 0:
        shower, cell, mip = _noisy(hits, mip, electronics, keys)
    kept = (mip >= electronics.threshold_mip) & (mip > 0)
    shower, cell, mip = shower[kept], cell[kept], mip[kept]
    order = np.lexsort((cell, shower))
    counts = np.bincount(shower, minlength=hits.showers)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Table(
        {
            "id": showers["id"],
            "cell": Ragged(cell[order].astype(np.int32), offsets),
            "deposit": Ragged(mip[order].astype(np.float32), offsets),
        }
    )


def _noisy(
    hits: Hits, mip: Array, electronics: Electronics, keys: NDArray[np.uint64]
) -> tuple[NDArray[np.intp], NDArray[np.int64], Array]:
    """Noise on cells with energy, and those of the empty ones that it lifts over the threshold.

    How many these are is binomial, where they lie uniform, and how high they are the tail of a
    normal law: as if all cells were drawn, without drawing them.
    """
    sigma, cells = electronics.noise_mip, hits.grid.cells
    chance = float(norm.sf(electronics.threshold_mip / sigma))
    ends = np.searchsorted(hits.shower, np.arange(hits.showers + 1))
    parts = []
    for row, key in enumerate(keys):
        rng = generator(key)
        own = slice(ends[row], ends[row + 1])
        seen = hits.cell[own]
        noisy = mip[own] + sigma * rng.standard_normal(len(seen))
        count = int(rng.binomial(cells - len(seen), chance))
        lit = rng.choice(np.setdiff1d(np.arange(cells), seen), count, replace=False)
        height = -sigma * ndtri(chance * (1 - rng.random(count)))
        parts.append((np.concatenate([seen, lit]), np.concatenate([noisy, height])))
    shower = np.repeat(np.arange(hits.showers), [len(cell) for cell, _ in parts])
    none = (np.zeros(0, np.int64), np.zeros(0))
    cell, height = (np.concatenate(one) for one in zip(none, *parts, strict=True))
    return shower, cell.astype(np.int64), height
