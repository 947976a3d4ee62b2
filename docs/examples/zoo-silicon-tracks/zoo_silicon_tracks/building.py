"""From pairs of hits to tracks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Table
from zoo_silicon_tracks.doublets import Doublets

__all__ = ["chains", "label", "prediction"]

Array = NDArray[np.float64]
Labels = NDArray[np.int32]


def chains(doublets: Doublets, score: Array, threshold: float, hits: int, shortest: int) -> Labels:
    """Tracks of pairs that are the best of both their hits, end to end.

    Args:
        doublets: Of one event.
        score: ``(D,)``, larger is better.
        threshold: Pairs at or below it are left out.
        hits: Of the event.
        shortest: Hits of the shortest track.

    Returns:
        ``(hits,)`` number of the track, -1 for none.
    """
    following = np.full(hits, -1)
    preceding = np.full(hits, -1)
    for pair in np.argsort(-score, kind="stable"):
        if score[pair] <= threshold:
            break
        inner, outer = doublets.hits[pair]
        if following[inner] < 0 and preceding[outer] < 0:
            following[inner], preceding[outer] = outer, inner
    tracks = (_walk(int(start), following) for start in np.flatnonzero(preceding < 0))
    return label(tracks, hits, shortest)


def _walk(hit: int, following: NDArray[np.int64]) -> list[int]:
    track = [hit]
    while following[track[-1]] >= 0:
        track.append(int(following[track[-1]]))
    return track


def label(tracks: Iterable[Sequence[int]], hits: int, shortest: int) -> Labels:
    """``(hits,)`` numbers of tracks that have enough hits, -1 elsewhere."""
    labels = np.full(hits, -1, np.int32)
    number = 0
    for track in tracks:
        if len(track) >= shortest:
            labels[np.asarray(track)] = number
            number += 1
    return labels


def prediction(samples: Table, labels: Sequence[Labels]) -> Table:
    """The table of predictions of events."""
    return Table({"id": samples.ids, "track": Ragged.of(labels)})
