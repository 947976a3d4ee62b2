"""What LCIO and EDM4hep have in common: an event is hits, and the particle that made them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, DataError
from zoo_calo.sources.cell_map import CellMap
from zoo_calo.sources.files_config import EventFilesConfig

__all__ = ["primary_of", "require_collections", "theta_of"]

Array = NDArray[np.float64]


def primary_of(
    energy_gev: Array, momentum_gev: Array, which: str, where: str
) -> tuple[float, Array]:
    """Energy and momentum (3,) of an event's primary.

    Args:
        energy_gev: (n,), of particles that the generator handed over.
        momentum_gev: (n, 3).
        which: ``only``, ``first`` or ``sum``.
        where: Names the event in errors.

    Raises:
        DataError: There is none, or several where only one may be.
    """
    if not len(energy_gev) or (which == "only" and len(energy_gev) > 1):
        raise DataError(
            f"{len(energy_gev)} particles of the generator instead of one",
            where=where,
            remedy="give files of single particles, or set data.options.primary to first or sum",
        )
    if which == "sum":
        return float(energy_gev.sum()), momentum_gev.sum(axis=0)
    return float(energy_gev[0]), momentum_gev[0]


def theta_of(momentum_gev: Sequence[Array], cell_map: CellMap) -> NDArray[np.float32]:
    """Polar angles (N,) of momenta: from our y, along which particles tilt."""
    local = cell_map.turned(np.asarray(momentum_gev, np.float64).reshape(-1, 3))
    across, along = np.hypot(local[:, 0], local[:, 2]), local[:, 1]
    return np.arctan2(across, along).astype(np.float32)


def require_collections(config: EventFilesConfig, known: Sequence[str], where: Any) -> None:
    """Refuse settings without collections.

    Raises:
        ConfigError: Naming those that the file has.
    """
    if not config.collections:
        raise ConfigError(
            "no collection of hits is named",
            where="data.options.collections",
            remedy=f"{where} has {', '.join(known) or 'none'}",
        )
