"""Rules with round numbers, for where nothing is fitted. Probabilities are 0.9 and the rest.

A minimum-ionising track is a straight line; a proton is hot; what is short, small and alone is of
low energy; what branches is a shower. A Michel electron has at most 53 MeV, starts at the end of a
track and that end is hot; a delta is small and touches the middle of one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.classical import pieces, surroundings
from zoo_sparse_reco.physics.labels import GHOST

__all__ = ["TRACKS", "rule_of_pieces", "rule_of_voxels"]

Floats = NDArray[np.float64]

TRACKS = ("track", "hip", "mip")
"""Classes that are tracks."""

_STRAIGHT = 0.72
_SMALL, _LOW_LENGTH = np.log(10.0), np.log(8.0)
_HOT_PROTON = 1.8  # times the median along straight lines
_MICHEL_MEV, _DELTA_MEV = 53.0, 60.0
_TOUCHING = 3.0
_END, _MIDDLE = 0.75, 0.5
_BRAGG = 1.25  # times the median energy of a voxel of all tracks
_SURE = 0.9


def rule_of_voxels(columns: Floats, names: Sequence[str]) -> Floats:
    """Shares of the classes, (voxels, 6), from the columns of the surroundings."""
    told = dict(zip(surroundings.COLUMNS, columns.T, strict=True))
    straight = (told["line_far"] > _STRAIGHT) & (told["piece_size"] > _SMALL)
    small = (told["piece_size"] <= _SMALL) & (told["piece_length"] <= _LOW_LENGTH)
    chosen = np.full(len(columns), _first(names, "shower"))
    chosen[small] = _first(names, "low-energy", "shower")
    chosen[straight] = _first(names, "track", "mip")
    if "hip" in names and straight.any():
        usual = np.median(told["dedx_near"][straight])
        chosen[straight & (told["dedx_near"] > usual + np.log(_HOT_PROTON))] = names.index("hip")
    shares = _shares(chosen)
    # What is neither straight nor small is for the pieces to tell.
    unsure = chosen == _first(names, "shower")
    shares[unsure] = [0.0 if name in TRACKS else 1.0 for name in names] + [0.0]
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def rule_of_pieces(columns: Floats, names: Sequence[str]) -> Floats:
    """Shares of the classes, (pieces, 6), from the columns of the pieces."""
    told = dict(zip(pieces.COLUMNS, columns.T, strict=True))
    energy = np.exp(told["energy"])
    touching = told["gap"] <= _TOUCHING
    usual = np.median(told["bragg"][touching]) if touching.any() else 0.0
    stopped = touching & (told["one_sided"] > _END) & (told["bragg"] > usual + np.log(_BRAGG))
    chosen = np.full(len(columns), _first(names, "shower"))
    chosen[~touching & (told["size"] <= _SMALL)] = _first(names, "low-energy", "shower")
    beside = touching & (told["one_sided"] < _MIDDLE) & (energy < _DELTA_MEV)
    chosen[beside] = _first(names, "delta")
    chosen[stopped & (energy < _MICHEL_MEV)] = _first(names, "michel")
    return _shares(chosen)


def _first(names: Sequence[str], *wanted: str) -> int:
    """Number of the first of the wanted classes that the scheme has."""
    return next(names.index(name) for name in wanted if name in names)


def _shares(chosen: NDArray[np.intp]) -> Floats:
    found = np.full((len(chosen), GHOST + 1), (1 - _SURE) / (GHOST - 1))
    found[:, GHOST] = 0.0
    found[np.arange(len(chosen)), chosen] = _SURE
    return found
