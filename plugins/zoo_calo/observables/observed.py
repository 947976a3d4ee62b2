"""All that the judgement needs of showers, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_calo.observables.cores import core_shares, core_widths
from zoo_calo.observables.hits import hits_of
from zoo_calo.observables.numbers import (
    centre_of_gravity,
    last_share,
    moments,
    thirds,
    visible,
)
from zoo_calo.observables.profiles import longitudinal, radial, spectrum
from zoo_calo.physics.grid import Grid

__all__ = ["observed"]


def observed(showers: Mapping[str, Any], grid: Grid, theta: Any = None) -> dict[str, Any]:
    """Observables of every shower, float32.

    Cells below the grid's threshold count nowhere but in ``spectrum``.

    Args:
        showers: ``cell`` and ``deposit``.
        grid: Theirs.
        theta: (N,), rad; ``None``: along the layers' normal.

    Returns:
        ``visible`` (MeV, weighted by layer), ``hits``, ``cog`` (layers), ``last_ten``: (N,);
        ``longitudinal``, ``radial`` (MeV), ``spectrum`` (cells), ``moments``, ``thirds``: (N, k);
        of a box also ``core_energy`` and ``core_hits``.

    Raises:
        DataError: As :func:`zoo_calo.observables.hits.hits_of`.
    """
    every = hits_of(showers, grid)
    hits = every.above(grid.threshold_mev)
    profile = longitudinal(hits)
    found: dict[str, NDArray[np.float64]] = {
        "visible": visible(hits),
        "hits": hits.total(),
        "cog": centre_of_gravity(hits),
        "last_ten": last_share(profile),
        "longitudinal": profile,
        "radial": radial(hits, theta),
        "spectrum": spectrum(every),
        "moments": moments(hits),
        "thirds": thirds(profile),
    }
    if core_widths(grid):
        found["core_energy"], found["core_hits"] = core_shares(hits)
    return {name: column.astype(np.float32) for name, column in found.items()}
