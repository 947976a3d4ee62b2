"""Rows without a network: the mean around, regressions on what is around, and the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Predictor, Table
from zoo_sparse_reco.classical.chosen import lowest
from zoo_sparse_reco.masking.around import DENSITY, MEAN, around
from zoo_sparse_reco.masking.config import (
    JUDGED,
    LocalRegressionConfig,
    NeighbourMeanConfig,
    TrueVoxelsConfig,
)
from zoo_sparse_reco.masking.patches import (
    ENERGY,
    PLACE,
    SEEN,
    Question,
    answered,
    hide,
    log_energy,
)
from zoo_sparse_reco.masking.regression import Quadratic, fit_linear, fit_logistic
from zoo_sparse_reco.physics.voxel_grid import grid_of

__all__ = ["LocalRegression", "NeighbourMean", "TrueVoxels"]

Floats = NDArray[np.float64]


class NeighbourMean(Predictor):
    """The mean logarithm of energies around; the density d of voxels around, as d / (1 + d)."""

    needs: frozenset[str] = frozenset({"voxel_x", "voxel_y", "voxel_z", "deposit"})

    def __init__(
        self, config: NeighbourMeanConfig | LocalRegressionConfig, facts: Mapping[str, Any]
    ) -> None:
        self.shape = grid_of(facts).shape

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """Answers at the places that are asked about."""
        question = hide(samples, samples.ids if keys is None else keys, JUDGED, self.shape)
        asked = question.kind != SEEN
        logarithm, occupancy = np.zeros((2, len(asked)))
        columns, kind = around(samples, question), question.kind[asked]
        logarithm[asked], occupancy[asked] = self._answers(columns, kind)
        return answered(samples.ids, question, logarithm, occupancy)

    def _answers(self, columns: Floats, kind: NDArray[np.int8]) -> tuple[Floats, Floats]:
        """Logarithm of the energy, and probability of a voxel, of asked places (A,)."""
        return columns[:, MEAN], 1 / (1 + np.exp(-columns[:, DENSITY]))


class LocalRegression(NeighbourMean):
    """Regressions on energies, densities and lines around; before a fit, as the mean."""

    def __init__(self, config: LocalRegressionConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.config = config
        self.energy: dict[int, Quadratic] = {}
        self.occupancy: Quadratic | None = None

    def fit(self, training: Iterable[Table]) -> None:
        """To what would be asked of the training events of the lowest ids.

        Raises:
            DataError: There is no training event of which anything would be asked.
        """
        chosen = lowest(training, self.config.events, self.needs)
        if chosen is None or not len(chosen["deposit"].values):
            raise DataError(
                "no training event with voxels to fit the regressions to",
                where="sparse-masked/local-regression",
                remedy="give data with a training split",
            )
        question = hide(chosen, chosen.ids, JUDGED, self.shape)
        asked = question.kind != SEEN
        columns, kind = around(chosen, question), question.kind[asked]
        voxel = question.voxel[asked]
        value = log_energy(np.append(chosen["deposit"].values, 0.0)[voxel])
        for one in (ENERGY, PLACE):
            rows = (kind == one) & (voxel >= 0)
            if rows.any():
                self.energy[one] = fit_linear(columns[rows], value[rows], self.config.ridge)
        rows = kind == PLACE
        if rows.any():
            self.occupancy = fit_logistic(columns[rows], voxel[rows] >= 0, self.config.ridge)

    def _answers(self, columns: Floats, kind: NDArray[np.int8]) -> tuple[Floats, Floats]:
        logarithm, occupancy = (one.copy() for one in super()._answers(columns, kind))
        for one, model in self.energy.items():
            logarithm[kind == one] = model(columns[kind == one])
        if self.occupancy is not None:
            places = kind == PLACE
            occupancy[places] = 1 / (1 + np.exp(-self.occupancy(columns[places])))
        return logarithm, occupancy


class TrueVoxels(Predictor):
    """What was hidden: it proves that the metrics reach their best."""

    needs: frozenset[str] = NeighbourMean.needs

    def __init__(self, config: TrueVoxelsConfig, facts: Mapping[str, Any]) -> None:
        self.shape = grid_of(facts).shape

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        """Energies of voxels, 0 MeV where there are none."""
        question: Question = hide(
            samples, samples.ids if keys is None else keys, JUDGED, self.shape
        )
        energy = np.append(samples["deposit"].values, 0.0)[question.voxel]
        return answered(samples.ids, question, log_energy(energy), question.voxel >= 0)
