"""Showers to batches and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Batch, Codec, DataError, Table, uniform
from zoo_calo.config import CaloConfig
from zoo_calo.physics.grid import Grid, grid_of
from zoo_calo.physics.showers import dense, listed
from zoo_calo.units import cell_units

__all__ = ["ShowerCodec"]

_LATENT = 11  # tag of the random numbers that a prediction draws


class ShowerCodec(Codec):
    """Energy, angle and latent numbers to the deposits of all cells.

    A shower's latent numbers are drawn from its id: an exported file predicts what the model does,
    and any part of a sample what the whole does.
    """

    config: CaloConfig
    targets: frozenset[str] = frozenset({"cell", "deposit"})

    def __init__(
        self, config: CaloConfig, facts: Mapping[str, Any], constants: Mapping[str, Any]
    ) -> None:
        super().__init__(config, facts, constants)
        self.needs = frozenset({"energy", "theta"} if config.angle else {"energy"})

    @property
    def grid(self) -> Grid:
        """The cells.

        Raises:
            DataError: If the facts have none.
        """
        return grid_of(self.facts)

    def encode(self, samples: Table) -> Batch:
        """Inputs as DDML gives them, and the cells of samples that have them.

        Returns:
            ``latent`` float32 (N, Z, 1, 1, 1); ``energy``, GeV, and perhaps ``theta``, rad, float32
            (N, 1, 1, 1, 1). Targets: ``cells``, float32 (N, layers, x, y), in the networks' units.

        Raises:
            DataError: If an energy is not above zero.
        """
        latent = 2 * uniform(samples.ids, self.config.latent, 1, 1, 1, tag=_LATENT) - 1
        inputs = {"latent": latent.astype(np.float32)}
        for name in ("energy", "theta") if self.config.angle else ("energy",):
            inputs[name] = samples[name].astype(np.float32).reshape(-1, 1, 1, 1, 1)
        _require_energy(inputs["energy"])
        if not self.targets <= set(samples):
            return Batch(inputs, {}, samples.ids)
        return Batch(inputs, {"cells": self._cells(samples)}, samples.ids)

    def decode(self, outputs: Any, samples: Table) -> Table:
        """Cells with energy, of ``deposits`` (N, cells), MeV; without those below the threshold."""
        deposits: NDArray[np.float32] = outputs["deposits"]
        least = self.config.threshold * self.grid.threshold_mev
        cell, deposit = listed(np.where(deposits >= least, deposits, np.float32(0)))
        return Table({"id": samples.ids, "cell": cell, "deposit": deposit})

    def _cells(self, samples: Table) -> NDArray[np.float32]:
        grid = self.grid
        found = dense(samples["cell"], samples["deposit"], grid.cells)
        return found.reshape(-1, *grid.shape) / cell_units(self.config, grid)


def _require_energy(energy: NDArray[np.float32]) -> None:
    if not (energy > 0).all():
        raise DataError(
            f"a particle of {float(energy.min()):g} GeV",
            where="energy",
            remedy="give every particle an energy above zero, in GeV",
        )
