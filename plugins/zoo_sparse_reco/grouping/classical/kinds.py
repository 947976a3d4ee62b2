"""Kinds of particles from class, dE/dx at both ends, and size: a table of shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.grouping.classical.scene import Scene
from zoo_sparse_reco.grouping.stages import CLASSES
from zoo_sparse_reco.physics.labels import Pid

__all__ = ["KindTable"]

Floats = NDArray[np.float64]

_BINS = 4


@dataclass(frozen=True, eq=False)
class KindTable:
    """Shares of kinds in cells of class, dE/dx at start and at end, and number of voxels.

    Attributes:
        edges: Of the cells along each of the last three, (3, bins - 1).
        shares: (4, bins, bins, bins, 6), of sum 1 over kinds.
    """

    edges: Floats
    shares: Floats

    @classmethod
    def unfitted(cls) -> KindTable:
        """By the class alone: electrons and photons, muons, pions and protons alike."""
        shares = np.zeros((len(CLASSES), 1, 1, 1, len(Pid)))
        shares[:, ..., Pid.ELECTRON] = 1.0
        shares[CLASSES.index("shower"), ..., Pid.PHOTON] = 1.0
        shares[CLASSES.index("track")] = 0.0
        shares[CLASSES.index("track"), ..., [Pid.MUON, Pid.PION, Pid.PROTON]] = 1.0
        return cls(np.zeros((3, 0)), shares / shares.sum(axis=-1, keepdims=True))

    @classmethod
    def fitted(cls, scene: Scene, kind: NDArray[np.int64]) -> KindTable:
        """From nodes of known kind (n,); cells are equally full.

        A cell begins with two nodes shared as its class is, so that none is empty.
        """
        known = kind >= 0
        seen = _seen(scene)
        levels = np.arange(1, _BINS) / _BINS
        edges = np.quantile(seen[:, known], levels, axis=1).T if known.any() else np.zeros((3, 3))
        of_class = np.ones((len(CLASSES), len(Pid)))
        np.add.at(of_class, (scene.nodes.semantic[known], kind[known]), 1.0)
        of_class /= of_class.sum(axis=1, keepdims=True)
        counts = np.broadcast_to(
            2 * of_class[:, None, None, None], (len(CLASSES), _BINS, _BINS, _BINS, len(Pid))
        ).copy()
        cells = _cells(scene, edges)
        np.add.at(counts, (*(one[known] for one in cells), kind[known]), 1.0)
        return cls(edges, counts / counts.sum(axis=-1, keepdims=True))

    def scores(self, scene: Scene) -> NDArray[np.float32]:
        """Probability of each kind, (n, 6)."""
        return self.shares[_cells(scene, self.edges)].astype(np.float32)


def _seen(scene: Scene) -> Floats:
    return np.stack([scene.dedx[:, 0], scene.dedx[:, 1], scene.nodes.sizes.astype(np.float64)])


def _cells(scene: Scene, edges: Floats) -> tuple[NDArray[np.int64], ...]:
    cells = (
        np.searchsorted(edge, values, side="right")
        for edge, values in zip(edges, _seen(scene), strict=True)
    )
    return (scene.nodes.semantic, *cells)
