"""Classes and ghosts of voxels, from the confusion matrix of true and predicted class.

Voxels whose class nobody knows are not judged. The accuracy of a class is its recall, as papers of
the field call it. A class that no voxel of the rows has in truth has no accuracy and no F1, and
takes no part in means over classes.

Ghosts are a class like any other in what is lost and found: a voxel of a track that is called a
ghost is lost to the track, a ghost that is called a track spoils its precision. *After deghosting*
only voxels count that are no ghosts and are not called ghosts: what is left is the confusion among
the five classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Number, Table
from zoo_sparse_reco.metrics.numbers import MACRO_F1, f1_name, mean_known, percent, ratio
from zoo_sparse_reco.physics.labels import GHOST

__all__ = ["CONFUSION", "CONFUSION_ENERGY", "confusions", "segmentation_numbers"]

Floats = NDArray[np.float64]

CONFUSION, CONFUSION_ENERGY = "confusion", "confusion_energy"
"""Row columns, float64 (N, 6, 6): voxels, and MeV, of each true (rows) and predicted class."""

_SIZE = GHOST + 1


def confusions(
    true: NDArray[np.int8], found: NDArray[np.int8], energy: NDArray[np.float32]
) -> Mapping[str, Floats]:
    """Of one event: voxels and energy, (6, 6); all arrays (voxels,)."""
    known = true >= 0
    cell = true[known].astype(np.int64) * _SIZE + found[known]
    counts = np.bincount(cell, minlength=_SIZE**2)
    weights = np.bincount(cell, energy[known], minlength=_SIZE**2)
    shape = (_SIZE, _SIZE)
    return {
        CONFUSION: counts.reshape(shape).astype(np.float64),
        CONFUSION_ENERGY: weights.reshape(shape).astype(np.float64),
    }


def segmentation_numbers(rows: Table, names: Sequence[str]) -> Iterator[Number]:
    """All numbers of classes and ghosts, of these rows together.

    Args:
        rows: With :data:`CONFUSION` and :data:`CONFUSION_ENERGY`.
        names: Of the five classes.
    """
    voxels, energy = (rows[name].sum(axis=0) for name in (CONFUSION, CONFUSION_ENERGY))
    by_voxel, by_energy = _Shares(voxels), _Shares(energy)
    yield percent(MACRO_F1, mean_known(by_voxel.f1))
    yield percent("mIoU", mean_known(by_voxel.iou))
    yield percent("mean accuracy", mean_known(by_voxel.recall))
    yield percent("accuracy", by_voxel.accuracy)
    yield percent("macro F1 by energy", mean_known(by_energy.f1))
    yield percent("accuracy by energy", by_energy.accuracy)
    for number, name in enumerate(names):
        yield percent(f1_name(name), by_voxel.f1[number])
        yield percent(f"{name} accuracy", by_voxel.recall[number])
        yield percent(f"{name} precision", by_voxel.precision[number])
        yield percent(f"{name} IoU", by_voxel.iou[number])
        yield percent(f"{name} F1 by energy", by_energy.f1[number])
        yield percent(f"{name} accuracy by energy", by_energy.recall[number])
    yield from _ghost_numbers(voxels, names)
    yield from _mistakes(voxels, names)


class _Shares:
    """What follows from a confusion matrix (6, 6), for the five classes."""

    def __init__(self, matrix: Floats) -> None:
        right = np.diagonal(matrix)[:GHOST]
        true, found = matrix.sum(axis=1)[:GHOST], matrix.sum(axis=0)[:GHOST]
        present = np.where(true > 0, 1.0, np.nan)
        self.recall = ratio(right, true)
        self.precision = ratio(right, found)
        self.f1 = present * ratio(2 * right, true + found)
        self.iou = present * ratio(right, true + found - right)
        self.accuracy = ratio(right.sum(), true.sum())


def _ghost_numbers(voxels: Floats, names: Sequence[str]) -> Iterator[Number]:
    """Not defined where there are no ghosts in truth."""
    ghosts, called = voxels[GHOST].sum(), voxels[:, GHOST].sum()
    some = 1.0 if ghosts > 0 else float("nan")
    right, kept = voxels[GHOST, GHOST], voxels[:GHOST, :GHOST].sum()
    yield percent("ghost efficiency", ratio(right, ghosts))
    yield percent("ghost purity", some * ratio(right, called))
    yield percent("kept signal", some * ratio(kept, voxels[:GHOST].sum()))
    yield percent("purity of what is kept", some * ratio(kept, voxels[:, :GHOST].sum()))
    after = np.zeros_like(voxels)
    after[:GHOST, :GHOST] = voxels[:GHOST, :GHOST]
    shares = _Shares(after)
    yield percent("macro F1 after deghosting", some * mean_known(shares.f1))
    yield percent("mIoU after deghosting", some * mean_known(shares.iou))
    for number, name in enumerate(names):
        yield percent(f"{name} F1 after deghosting", some * shares.f1[number])


def _mistakes(voxels: Floats, names: Sequence[str]) -> Iterator[Number]:
    """Share of a true class that is called another: the rows of the confusion matrix."""
    shares: Any = ratio(voxels, voxels.sum(axis=1, keepdims=True))
    for true, name in enumerate(names):
        for found, other in enumerate(names):
            if true != found:
                yield percent(f"{name} called {other}", shares[true, found], "lower")
