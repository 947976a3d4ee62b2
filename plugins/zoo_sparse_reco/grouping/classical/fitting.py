"""Cuts that join the nodes of training events best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.grouping.classical.rules import GRIDS, Cuts, joined
from zoo_sparse_reco.grouping.classical.scene import Scene

__all__ = ["best_cuts", "mean_ari"]

Whole = NDArray[np.int64]


def best_cuts(scene: Scene, group: Whole, stage: str) -> Cuts:
    """Those of the grid with the largest mean ARI; of equal ones the first.

    Args:
        scene: Of training events.
        group: True group of its nodes (n,), over all events; -1: unknown.
        stage: Name.
    """
    nodes = scene.nodes
    values = [
        mean_ari(nodes.event, group, joined(scene, stage, cuts).group, nodes.sizes)
        for cuts in GRIDS[stage]
    ]
    return GRIDS[stage][int(np.argmax(np.round(values, 9)))]


def mean_ari(event: Whole, true: Whole, found: Whole, sizes: Whole) -> float:
    """Mean over events of the adjusted Rand index over voxels; 0 without events.

    As :mod:`zoo_sparse_reco.clustering_measures` has it, of all events at once.

    Args:
        event: Of each node (n,).
        true: Group, different in different events; nodes below 0 do not count.
        found: Likewise.
        sizes: Voxels of each node.
    """
    known = true >= 0
    event, true, found, sizes = (one[known] for one in (event, true, found, sizes))
    if not len(event):
        return 0.0
    _, row = np.unique(event, return_inverse=True)
    count = int(row.max()) + 1

    def pairs(key: Whole) -> NDArray[np.float64]:
        """Pairs of voxels of each event with one key, which is different in different events."""
        _, first, cell = np.unique(key, return_index=True, return_inverse=True)
        held = np.bincount(cell, sizes)
        each: NDArray[np.float64] = held * (held - 1) / 2
        return np.bincount(row[first], each, minlength=count).astype(np.float64)

    both = true * (int(found.max()) + 1) + found
    together, of_true, of_found, every = (pairs(key) for key in (both, true, found, row))
    expected = of_true * of_found / np.maximum(every, 1)
    span = (of_true + of_found) / 2 - expected
    same = (together == of_true) & (together == of_found)
    ari = np.where(same, 1.0, (together - expected) / np.where(same, 1.0, span))
    return float(ari.mean())
