"""Fragments from voxels and what another model predicts for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Link, Ragged, Table
from zoo_miniatures.graph.config import FragmentsConfig

__all__ = ["Fragments"]


class Fragments(Link):
    """The voxels of one coarse cell are a fragment; all ordered pairs are edges."""

    needs = frozenset({"voxels", "particle"})

    def __init__(self, config: FragmentsConfig) -> None:
        self.cell = config.cell

    def facts(self, upstream: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**upstream, "cell": self.cell}

    def link(self, samples: Table, predictions: Table) -> Table:
        graphs = [
            self._graph(samples["voxels"][row], samples["particle"][row], predictions["score"][row])
            for row in range(samples.rows)
        ]
        columns = {name: Ragged.of([graph[name] for graph in graphs]) for name in graphs[0]}
        return Table({"id": samples.ids, **columns})

    def _graph(
        self, voxels: NDArray[np.int32], particle: NDArray[np.int32], score: NDArray[np.float32]
    ) -> Mapping[str, NDArray[Any]]:
        _, fragment = np.unique(voxels // self.cell, axis=0, return_inverse=True)
        count = np.bincount(fragment)
        means = [
            np.bincount(fragment, weights=column) / count
            for column in (*(voxels.T + 0.5), score.astype(np.float64))
        ]
        owner = np.zeros((len(count), int(particle.max(initial=0)) + 1), np.int64)
        np.add.at(owner, (fragment, particle), 1)
        edges = np.argwhere(~np.eye(len(count), dtype=bool))
        main = owner.argmax(1)
        return {
            "nodes": np.stack([*means, count], 1).astype(np.float32),
            "edges": edges.astype(np.int64),
            "same": (main[edges[:, 0]] == main[edges[:, 1]]).astype(np.float32),
        }
