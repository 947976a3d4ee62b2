"""What is around each voxel of an event: shape, direction, energy per length, connected piece.

Shapes are those of the tensor of second moments of the voxels within a radius: a line has one large
eigenvalue, a cascade two or three (as in the classifiers of Pandora, Eur. Phys. J. C 78 (2018) 82).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import KDTree

from zoo_sparse_reco.points.components import connected
from zoo_sparse_reco.points.fragments import NEAR

__all__ = ["COLUMNS", "Shape", "members", "neighbours", "shape_of", "surroundings"]

Floats = NDArray[np.float64]

NEAR_RADIUS, FAR_RADIUS = 5.0, 12.0
"""Voxels: 1.5 and 3.6 cm at 3 mm, a tenth and a quarter of a radiation length."""

COLUMNS = (
    "line_near",
    "width_near",
    "dedx_near",
    "line_far",
    "energy_far",
    "count_far",
    "off_axis",
    "aligned",
    "hottest",
    "piece_count_far",
    "piece_size",
    "piece_length",
    "piece_dedx",
    "piece_line",
    "piece_energy",
    "rise",
    "hot_distance",
    "cut_size",
    "cut_length",
)
"""What :func:`surroundings` tells of each voxel; sizes, lengths and energies as logarithms.

``near`` and ``far``: of the voxels within the radii, whatever they are connected with. ``hottest``:
the largest energy per length of the voxels around, ``rise``: how much larger than here, and how far
away that is. ``piece``: of all voxels that this one is connected with; ``cut``: of those that
remain so without the hot ones, where tracks stop or meet.
"""

_FROM, _TO = [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]
_FULL = [0, 1, 2, 1, 3, 4, 2, 4, 5]
_HOT = 0.45  # above the median along straight lines, as a logarithm: 1.6 times
_CELL = 1 / 12  # second moment of a voxel itself, along one axis


@dataclass(frozen=True, eq=False)
class Shape:
    """Moments of groups of voxels.

    Attributes:
        count: Voxels of each group, (groups,).
        energy: MeV, (groups,).
        middle: (groups, 3).
        moments: Eigenvalues of the second moments, rising, (groups, 3), voxels squared.
        axis: Direction of the largest, (groups, 3).
    """

    count: Floats
    energy: Floats
    middle: Floats
    moments: Floats
    axis: Floats

    @property
    def length(self) -> Floats:
        """Of a straight line with this moment, and one voxel."""
        return np.sqrt(12 * self.moments[:, 2]) + 1

    @property
    def width(self) -> Floats:
        """Root mean square distance from the axis."""
        return np.sqrt(self.moments[:, 0] + self.moments[:, 1])

    @property
    def line(self) -> Floats:
        """1 for a line, 0 for a disc or a ball."""
        return 1 - np.sqrt((self.moments[:, 1] + _CELL) / (self.moments[:, 2] + _CELL))

    @property
    def dedx(self) -> Floats:
        """MeV per voxel of length."""
        return self.energy / self.length


def neighbours(place: Floats, radius: float) -> csr_array:
    """Which voxels lie within a radius of each, itself among them: (voxels, voxels) of ones."""
    count = len(place)
    pairs = KDTree(place).query_pairs(radius + 1e-6, output_type="ndarray")
    same = np.arange(count)
    rows = np.concatenate([pairs[:, 0], pairs[:, 1], same])
    columns = np.concatenate([pairs[:, 1], pairs[:, 0], same])
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(count, count))


def shape_of(groups: csr_array, place: Floats, energy: Floats) -> Shape:
    """Shapes of groups of voxels: ``groups`` (groups, voxels) has a one for each member."""
    centre = place.mean(axis=0)
    moved = place - centre
    columns = np.column_stack([np.ones(len(place)), energy, moved, moved[:, _FROM] * moved[:, _TO]])
    sums = np.asarray(groups @ columns)
    count = np.maximum(sums[:, 0], 1)
    means = sums[:, 2:] / count[:, None]
    middle = means[:, :3]
    second = means[:, 3:] - middle[:, _FROM] * middle[:, _TO]
    moments, axes = np.linalg.eigh(second[:, _FULL].reshape(-1, 3, 3))
    return Shape(sums[:, 0], sums[:, 1], middle + centre, np.maximum(moments, 0), axes[:, :, 2])


def members(label: NDArray[np.int64]) -> csr_array:
    """The matrix of groups of voxels from the number of each one's group."""
    count = len(label)
    shape = (int(label.max(initial=-1)) + 1, count)
    return csr_array((np.ones(count), (label, np.arange(count))), shape=shape)


def surroundings(place: NDArray[Any], energy: NDArray[Any]) -> Floats:
    """The :data:`COLUMNS` of each voxel of one event, (voxels, 19).

    Args:
        place: (voxels, 3).
        energy: MeV, (voxels,), positive.
    """
    place, energy = place.astype(np.float64), np.maximum(energy.astype(np.float64), 1e-6)
    if not len(place):
        return np.zeros((0, len(COLUMNS)))
    close, wide = (neighbours(place, radius) for radius in (NEAR_RADIUS, FAR_RADIUS))
    near, far = (shape_of(groups, place, energy) for groups in (close, wide))
    columns = _of_voxels(place, near, far)
    hottest, hot_distance = _hottest(wide, columns["dedx_near"], place)
    everywhere = np.zeros(len(place), np.int64)
    label = connected(place, everywhere, NEAR)
    same = label[wide.indices] == np.repeat(label, np.diff(wide.indptr))
    piece = shape_of(members(label), place, energy)
    straight = far.line > 0.7
    usual = np.median(columns["dedx_near"][straight if straight.any() else ~straight])
    cut_label = connected(place, (columns["dedx_near"] > usual + _HOT).astype(np.int64), NEAR)
    cut = shape_of(members(cut_label), place, energy)
    columns |= {
        "aligned": _alignment(wide, near.axis, far.count),
        "hottest": hottest,
        "piece_count_far": np.log(np.add.reduceat(same.astype(np.float64), wide.indptr[:-1])),
        "piece_size": np.log(piece.count)[label],
        "piece_length": np.log(piece.length)[label],
        "piece_dedx": np.log(piece.dedx)[label],
        "piece_line": piece.line[label],
        "piece_energy": np.log(piece.energy / piece.count)[label],
        "rise": hottest - columns["dedx_near"],
        "hot_distance": hot_distance,
        "cut_size": np.log(cut.count)[cut_label],
        "cut_length": np.log(cut.length)[cut_label],
    }
    return np.column_stack([columns[name] for name in COLUMNS])


def _of_voxels(place: Floats, near: Shape, far: Shape) -> dict[str, Floats]:
    apart = place - far.middle
    along = np.sum(apart * far.axis, axis=1)
    return {
        "line_near": near.line,
        "width_near": near.width,
        "dedx_near": np.log(near.dedx),
        "line_far": far.line,
        "energy_far": np.log(far.energy / far.count),
        "count_far": np.log(far.count),
        "off_axis": np.sqrt(np.maximum(np.sum(apart**2, axis=1) - along**2, 0)),
    }


def _hottest(groups: csr_array, value: Floats, place: Floats) -> tuple[Floats, Floats]:
    """The largest value in each group, and how far from the voxel it is, (voxels,)."""
    rows = np.repeat(np.arange(len(value)), np.diff(groups.indptr))
    order = np.lexsort((groups.indices, value[groups.indices], rows))
    largest = groups.indices[order[groups.indptr[1:] - 1]]
    return value[largest], np.linalg.norm(place - place[largest], axis=1)


def _alignment(groups: csr_array, axis: Floats, count: Floats) -> Floats:
    """How far the directions around a voxel agree: 1 if they do, 1/3 if they are random."""
    summed = np.asarray(groups @ (axis[:, _FROM] * axis[:, _TO])) / count[:, None]
    return np.asarray(np.linalg.eigvalsh(summed[:, _FULL].reshape(-1, 3, 3))[:, 2], np.float64)
