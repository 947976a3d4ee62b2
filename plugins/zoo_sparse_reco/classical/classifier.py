"""Classes of voxels from tables: first what each voxel looks like, then the pieces off the tracks.

Without a fit, rules with round numbers stand in for the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.classical import pieces as pieces_module
from zoo_sparse_reco.classical.pieces import Pieces, pieces_of, without_crumbs
from zoo_sparse_reco.classical.rules import TRACKS, rule_of_pieces, rule_of_voxels
from zoo_sparse_reco.classical.surroundings import COLUMNS, members, surroundings
from zoo_sparse_reco.classical.tables import LikelihoodTables
from zoo_sparse_reco.physics.labels import GHOST

__all__ = ["Classified", "Classifier", "Labelled"]

Floats = NDArray[np.float64]

_CLASSES = GHOST + 1
_GROUPS = (
    ("line_far", "piece_count_far", "energy_far"),
    ("piece_size", "piece_length", "piece_dedx"),
    ("width_near", "line_near", "dedx_near"),
    ("off_axis", "aligned", "count_far"),
    ("piece_line", "piece_energy", "hottest"),
    ("rise", "hot_distance", "cut_size"),
    ("cut_size", "cut_length", "hottest"),
)
_PIECE_GROUPS = (
    ("energy", "gap", "one_sided"),
    ("bragg", "one_sided", "gap"),
    ("size", "line", "gap"),
    ("alone", "energy", "line"),
    ("track_length", "one_sided", "energy"),
)
_SIZES = np.log([*np.arange(1.5, 12), 15.5, 20.5, 30.5, 60.5, 150.5, 500.5, 2000.5])
_LEAST = 1e-3  # of a share that multiplies another
_STEPS = np.arange(-2.0, 2.01, 0.25)
_PASSES = 2


class Labelled(NamedTuple):
    """Voxels of one event with their true classes."""

    place: NDArray[Any]
    energy: NDArray[Any]
    semantic: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Classified:
    """One event.

    Attributes:
        shares: Probability of each class and of a ghost, (voxels, 6).
        semantic: The chosen class, int8 (voxels,).
        pieces: Those off the tracks.
    """

    shares: Floats
    semantic: NDArray[np.int8]
    pieces: Pieces


@dataclass(frozen=True)
class Classifier:
    """Tables, or rules where there are none.

    Attributes:
        names: Of the five classes.
        voxels, pieces: Tables of both steps; ``None``: not fitted.
        boost: Added to the logarithms of the shares of the classes, (6,).
    """

    names: Sequence[str]
    voxels: LikelihoodTables | None = None
    pieces: LikelihoodTables | None = None
    boost: Floats = field(default_factory=lambda: np.zeros(_CLASSES))

    @property
    def tracks(self) -> NDArray[np.intp]:
        """Numbers of the classes that are tracks."""
        return np.flatnonzero([name in TRACKS for name in self.names])

    def classified(self, place: NDArray[Any], energy: NDArray[Any]) -> Classified:
        """Classes of one event: ``place`` (voxels, 3), ``energy`` MeV (voxels,)."""
        return self._decided(*self._steps(place, energy))

    def _steps(self, place: NDArray[Any], energy: NDArray[Any]) -> tuple[Floats, Pieces]:
        columns = surroundings(place, energy)
        shares = (
            rule_of_voxels(columns, self.names)
            if self.voxels is None
            else self.voxels.shares(columns)
        )
        is_track = shares[:, self.tracks].sum(axis=1) > 0.5
        found = pieces_of(place, energy, without_crumbs(place, energy, is_track))
        off = found.of_voxel >= 0
        by_piece = (
            rule_of_pieces(found.columns, self.names)
            if self.pieces is None
            else self.pieces.shares(found.columns)
        )
        both = by_piece[found.of_voxel[off]] * _half_shared(shares[off], found.of_voxel[off])
        shares[off] = both / both.sum(axis=1, keepdims=True)
        return shares, found

    def _decided(self, shares: Floats, found: Pieces) -> Classified:
        with np.errstate(divide="ignore"):
            score = np.log(shares) + self.boost
        return Classified(shares, score.argmax(axis=1).astype(np.int8), found)

    def fitted(self, events: Sequence[Labelled], bins: int) -> Classifier:
        """Count voxels, then pieces, then find the boosts of the best mean F1.

        Each step is fitted to events that the one before has not seen, or it would trust it too
        much: every second one is for pieces, every fourth for the boosts.

        Args:
            events: With a known class somewhere.
            bins: Cells along each column of the tables.

        Raises:
            ValueError: No voxel has a known class.
        """
        parts = [events[0::2], events[1::4], events[3::4]]
        first, second, third = (part or events for part in parts)
        names = self.names
        with_voxels = Classifier(names, _voxel_tables(first, bins))
        found = [with_voxels._steps(one.place, one.energy)[1] for one in second]
        with_pieces = Classifier(names, with_voxels.voxels, _piece_tables(second, found, bins))
        shares = np.concatenate([with_pieces._steps(one.place, one.energy)[0] for one in third])
        semantic = np.concatenate([one.semantic for one in third]).astype(np.int64)
        boost = _best_boost(shares[semantic >= 0], semantic[semantic >= 0])
        return Classifier(names, with_voxels.voxels, with_pieces.pieces, boost)


def _voxel_tables(events: Sequence[Labelled], bins: int) -> LikelihoodTables:
    columns = np.concatenate([surroundings(one.place, one.energy) for one in events])
    semantic = np.concatenate([one.semantic for one in events]).astype(np.int64)
    known = semantic >= 0
    return LikelihoodTables.fitted(
        columns[known],
        semantic[known],
        np.ones(int(known.sum())),
        classes=_CLASSES,
        groups=_numbered(_GROUPS, COLUMNS),
        bins=bins,
        given={COLUMNS.index(name): _SIZES for name in ("piece_size", "cut_size")},
    )


def _half_shared(shares: Floats, piece: NDArray[np.int64]) -> Floats:
    """Geometric mean of what each voxel looks like and of what its whole piece does."""
    logarithm = np.log(np.maximum(shares, _LEAST))
    groups = members(piece)
    whole = np.asarray(groups @ logarithm) / np.maximum(groups.sum(axis=1), 1)[:, None]
    found: Floats = np.exp((logarithm + whole[piece]) / 2)
    return found


def _numbered(groups: Sequence[Sequence[str]], names: Sequence[str]) -> list[tuple[int, ...]]:
    return [tuple(names.index(name) for name in group) for group in groups]


def _piece_tables(
    events: Sequence[Labelled], found: Sequence[Pieces], bins: int
) -> LikelihoodTables | None:
    """A piece counts once for each class in it: by its share, times the root of its size."""
    columns, kinds, weights = [], [], []
    for one, pieces in zip(events, found, strict=True):
        count = len(pieces.columns)
        off = (pieces.of_voxel >= 0) & (one.semantic >= 0)
        cell = pieces.of_voxel[off] * _CLASSES + one.semantic[off]
        voxels = np.bincount(cell, minlength=count * _CLASSES).reshape(count, _CLASSES)
        piece, kind = np.nonzero(voxels)
        columns.append(pieces.columns[piece])
        kinds.append(kind)
        weights.append(voxels[piece, kind] / np.sqrt(voxels.sum(axis=1)[piece]))
    if not sum(map(len, kinds)):
        return None
    names = pieces_module.COLUMNS
    return LikelihoodTables.fitted(
        np.concatenate(columns),
        np.concatenate(kinds),
        np.concatenate(weights),
        classes=_CLASSES,
        groups=_numbered(_PIECE_GROUPS, names),
        bins=max(bins * 2 // 3, 2),
        given={names.index(name): _SIZES for name in ("size", "alone")},
    )


def _best_boost(shares: Floats, semantic: NDArray[np.int64]) -> Floats:
    """Of each class in turn the step that gives the best mean F1 over the classes that are there.

    Without it the rare classes lose: what is most likely is almost never a Michel electron.
    """
    with np.errstate(divide="ignore"):
        score = np.log(shares)
    boost = np.zeros(_CLASSES)
    present = np.flatnonzero(np.bincount(semantic, minlength=_CLASSES)[:GHOST])
    for _ in range(_PASSES):
        for kind in present:
            tried = [boost + step * (np.arange(_CLASSES) == kind) for step in _STEPS]
            means = [_mean_f1((score + one).argmax(axis=1), semantic, present) for one in tried]
            boost = tried[int(np.argmax(means))]
    return boost


def _mean_f1(found: NDArray[np.intp], true: NDArray[np.int64], present: NDArray[np.intp]) -> float:
    matrix = np.bincount(true * _CLASSES + found, minlength=_CLASSES**2)
    matrix = matrix.reshape(_CLASSES, _CLASSES)
    f1 = 2 * np.diagonal(matrix) / np.maximum(matrix.sum(axis=0) + matrix.sum(axis=1), 1)
    return float(f1[present].mean())
