"""What is measured of an event, and the numbers of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Metrics, Number, Table
from zoo_sparse_reco.grouping.judging.clusters import cluster_numbers, measure_clusters
from zoo_sparse_reco.grouping.judging.particles import (
    measure_particles,
    measure_primaries,
    particle_numbers,
    primary_numbers,
)
from zoo_sparse_reco.grouping.judging.told import told_of
from zoo_sparse_reco.grouping.stages import STAGES
from zoo_sparse_reco.grouping.truth import truth_of
from zoo_sparse_reco.physics.voxel_grid import grid_of

__all__ = ["GroupMetrics"]


class GroupMetrics(Metrics):
    """Measures of the groups of each stage, and of what nodes are; ARI of interactions decides.

    Of each stage ARI, AMI, efficiency, purity and SBD over voxels and over nodes, accuracy of edges
    and of primaries; of interactions kinds, momenta and vertices of particles.

    Numbers of a stage that a model does not do are not defined. Measures of clusterings are means
    over events, all else is of all nodes together. Binned in the number of voxels, of true
    particles, and of true interactions.
    """

    needs: ClassVar[frozenset[str]] = frozenset(
        {
            "voxel_x",
            "semantic",
            "particle",
            "voxel_group",
            "interaction",
            "pid",
            "particle_id",
            "particle_primary",
            "particle_momentum",
            "interaction_id",
            "interaction_vertex",
        }
    )
    bins: ClassVar[Mapping[str, Sequence[float]]] = {
        "voxels": (0, 500, 1000, 2000, 4000, 8000, 16_000, 64_000),
        "particles": (0, 5, 10, 20, 40, 80, 200),
        "interactions": (1, 2, 3, 5, 8, 12, 20, 50),
    }
    primary: ClassVar[str] = "interaction ARI"

    def measure(self, samples: Table, predictions: Table) -> Table:
        """Measures of every event; a stage whose truth the samples lack has none.

        Raises:
            DataError: Predictions are not of these voxels.
        """
        scheme = grid_of(self.facts).scheme
        columns: dict[str, Any] = {"id": samples.ids, **_sizes(samples)}
        for stage in STAGES:
            told = told_of(samples, predictions, stage)
            truth = truth_of(samples, told.nodes, stage)
            columns |= measure_clusters(
                samples, predictions, told, truth, stage=stage, scheme=scheme
            )
            columns |= measure_primaries(predictions, told, truth, stage)
            if stage.name == "interaction":
                columns |= measure_particles(samples, predictions, told, truth)
        return Table(columns)

    def summarise(self, rows: Table) -> Sequence[Number]:
        """All numbers; a share of nothing is not defined."""
        numbers: list[Number] = []
        for stage in STAGES:
            numbers += [*cluster_numbers(rows, stage), *primary_numbers(rows, stage)]
        return (*numbers, *particle_numbers(rows))


def _sizes(samples: Table) -> dict[str, Any]:
    counts = {"voxels": samples["voxel_x"].lengths.astype(np.float64)}
    for name, column in (("particles", "voxel_group"), ("interactions", "interaction")):
        counts[name] = _different(samples, column)
    return counts


def _different(samples: Table, name: str) -> NDArray[np.float64]:
    """How many numbers from 0 on each event (N,) has in a column of voxels; NaN: it is absent."""
    if name not in samples:
        return np.full(samples.rows, np.nan)
    events = (samples[name][row] for row in range(samples.rows))
    counts = [len(np.unique(one[one >= 0])) for one in events]
    return np.array(counts, np.float64).reshape(samples.rows)
