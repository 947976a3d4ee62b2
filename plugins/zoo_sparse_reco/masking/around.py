"""What lies around the places that are asked about: what classical answers are made of."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from zoo.api import Table
from zoo_sparse_reco.masking.patches import PLACE, SEEN, Question, log_energy

__all__ = ["COLUMNS", "DENSITY", "MEAN", "around"]

Floats = NDArray[np.float64]

COLUMNS = (
    "mean_near",
    "mean_far",
    "mean_event",
    "hottest",
    "density_next",
    "density_near",
    "density_far",
    "nearest",
    "off_line",
    "line",
    "along_line",
)
"""What :func:`around` tells of a place.

``mean``: of logarithms of seen energies, with Gaussian weights of 1.5 and 4 voxels, and of
the whole event. ``hottest``: the largest logarithm. ``density``: logarithm of the sum of Gaussian
weights of 1, 2 and 4 voxels over voxels whose places are known. ``nearest``: distance of the
nearest of those. ``line``: share of the largest second moment of those, ``off_line`` and
``along_line``: how far the place lies from the line through their middle, and along it.
"""

MEAN, DENSITY = COLUMNS.index("mean_near"), COLUMNS.index("density_near")

_RADIUS = 6.0  # voxels: a patch of four and one voxel on each side
_MEANS, _DENSITIES = (1.5, 4.0), (1.0, 2.0, 4.0)
_PRIOR = 0.05  # weight of the event's mean: where nothing is seen around, it stands
_LEAST = 1e-3  # of a density, whose logarithm is taken
_USUAL_MEV = 0.5  # where no energy is seen
_CELL = 1 / 12  # second moment of a voxel itself, along one axis


def around(samples: Table, question: Question) -> Floats:
    """(A, columns) of the places that are asked about, in their order.

    Args:
        samples: With ``deposit``.
        question: What is seen and asked of the samples.
    """
    seen, known = question.kind == SEEN, question.kind != PLACE
    logarithm = np.zeros(len(seen))
    logarithm[seen] = log_energy(samples["deposit"].values[question.voxel[seen]])
    place = question.place.astype(np.float64)
    ends = np.concatenate([[0], np.cumsum(question.lengths)])
    found = [np.zeros((0, len(COLUMNS)))]
    for low, high in pairwise(ends):  # each event alone: its sums have one order
        part = slice(low, high)
        found.append(_of_event(place[part], seen[part], known[part], logarithm[part]))
    return np.concatenate(found)


def _of_event(
    place: Floats, seen: NDArray[np.bool_], known: NDArray[np.bool_], logarithm: Floats
) -> Floats:
    asked = place[~seen]
    usual = float(logarithm[seen].mean()) if seen.any() else log_energy(np.array(_USUAL_MEV)).item()
    columns = [
        *_energies(asked, place[seen], logarithm[seen], usual),
        *_densities(asked, place[known]),
    ]
    return np.stack(columns, 1)


def _energies(asked: Floats, seen: Floats, logarithm: Floats, usual: float) -> list[Floats]:
    """Means near and far, of the event, and the hottest."""
    to, of, distance = _pairs(asked, seen)
    found = []
    for width in _MEANS:
        weight = np.exp(-((distance / width) ** 2) / 2)
        total = np.bincount(to, weight * logarithm[of], minlength=len(asked))
        norm = np.bincount(to, weight, minlength=len(asked))
        found.append((total + _PRIOR * usual) / (norm + _PRIOR))
    hottest = np.full(len(asked), usual)
    np.maximum.at(hottest, to, logarithm[of])
    return [*found, np.full(len(asked), usual), hottest]


def _densities(asked: Floats, known: Floats) -> list[Floats]:
    """Densities, the nearest, and the line; a voxel is not around itself."""
    to, of, distance = _pairs(asked, known)
    other = distance > 0
    to, of, distance = to[other], of[other], distance[other]
    count = len(asked)
    found = []
    for width in _DENSITIES:
        norm = np.bincount(to, np.exp(-((distance / width) ** 2) / 2), minlength=count)
        found.append(np.log(norm + _LEAST))
    nearest = np.full(count, _RADIUS)
    np.minimum.at(nearest, to, distance)
    return [*found, nearest, *_line(asked, known, to, of)]


def _line(
    asked: Floats, known: Floats, to: NDArray[np.intp], of: NDArray[np.intp]
) -> tuple[Floats, Floats, Floats]:
    """Distance from the line, how much of one it is, and distance along it."""
    count = len(asked)
    norm = np.maximum(np.bincount(to, minlength=count), 1)[:, None]
    step = known[of] - asked[to]
    middle = np.stack([np.bincount(to, step[:, a], minlength=count) for a in range(3)], 1) / norm
    second = np.empty((count, 3, 3))
    for a in range(3):
        for b in range(3):
            second[:, a, b] = np.bincount(to, step[:, a] * step[:, b], minlength=count) / norm[:, 0]
    spread = second - middle[:, :, None] * middle[:, None, :] + _CELL * np.eye(3)
    moments, axes = np.linalg.eigh(spread)
    along = np.abs((middle * axes[:, :, 2]).sum(1))
    across = np.sqrt(np.maximum((middle**2).sum(1) - along**2, 0))
    alone = np.bincount(to, minlength=count) == 0
    line = moments[:, 2] / moments.sum(1)
    return np.where(alone, _RADIUS, across), line, np.where(alone, _RADIUS, along)


def _pairs(asked: Floats, others: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Rows of places and of others within the radius, sorted, and their distances."""
    if not (len(asked) and len(others)):
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    found = KDTree(asked).sparse_distance_matrix(KDTree(others), _RADIUS, output_type="ndarray")
    order = np.lexsort((found["j"], found["i"]))
    return found["i"][order], found["j"][order], found["v"][order]
