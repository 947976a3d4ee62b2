"""Where particles start and end: predicted points, or the extremes of their voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.chain.objects.axes import principal_axis
from zoo_sparse_reco.chain.objects.paths import Way

__all__ = ["SNAP_VOXELS", "Points", "TrackEnds", "ends_of_track", "extremes", "start_of_shower"]

Array = NDArray[np.float64]

SNAP_VOXELS = 5.0
"""A predicted point this near to an extreme stands for it: the resolution of the points."""

_STOPPING_VOXELS = 5.0  # over which the loss at an end is taken
_SURE_POINTS = 0.9  # of the difference of the probabilities of an end
_SURE = np.log(2.0)  # of the ratio of losses: more than straggling makes


@dataclass(frozen=True)
class Points:
    """Predicted points of an event.

    Attributes:
        place: (k, 3).
        semantic: Class of the particle, (k,).
        end: Probability that it ends there, (k,); NaN: unknown.
    """

    place: Array
    semantic: NDArray[np.int64]
    end: Array

    def near(self, place: Array, semantic: int, within: float) -> int:
        """Number of the nearest one of a class to a place (3,); -1: none is so near."""
        distance = np.linalg.norm(self.place - place, axis=1)
        distance[self.semantic != semantic] = np.inf
        best = int(np.argmin(distance)) if len(distance) else -1
        return best if best >= 0 and distance[best] <= within else -1


@dataclass(frozen=True)
class TrackEnds:
    """Both ends of a track.

    Attributes:
        start, end: (3,).
        distance: Of each voxel along the way from the start, (n,), voxels.
        sure: Whether points or the energy loss say which one is the start.
    """

    start: Array
    end: Array
    distance: Array
    sure: bool

    def turned(self) -> TrackEnds:
        """The other way round."""
        whole = float(self.distance.max(initial=0.0))
        return TrackEnds(self.end, self.start, whole - self.distance, self.sure)


def ends_of_track(place: Array, deposit: Array, semantic: int, points: Points) -> TrackEnds:
    """Ends of a track, and which is which.

    The ends are the voxels farthest from each other along the way, moved to a predicted point of
    the class that is near. The particle ends where the points say so; where they do not, where it
    loses more energy, as particles that stop do (Bragg).

    Args:
        place: Middles of its voxels (n, 3), n > 0.
        deposit: MeV, (n,).
        semantic: Class of the particle.
        points: Of the event.
    """
    way = Way(place)
    rows = way.ends()
    near = [points.near(place[row], semantic, SNAP_VOXELS) for row in rows]
    if near[0] == near[1]:  # a short track has one point for both
        near = [near[0], -1]
    where = [
        place[row] if one < 0 else points.place[one] for row, one in zip(rows, near, strict=True)
    ]
    distance = way.from_voxel(rows[0])
    ends = TrackEnds(where[0], where[1], distance, sure=True)
    told = [float(points.end[one]) if one >= 0 else np.nan for one in near]
    if not np.isnan(told).any() and abs(told[0] - told[1]) > _SURE_POINTS:
        return ends if told[1] > told[0] else ends.turned()
    whole = float(distance.max(initial=0.0))
    first = deposit[distance <= _STOPPING_VOXELS].sum()
    last = deposit[distance >= whole - _STOPPING_VOXELS].sum()
    gain = np.log(max(last, 1e-9) / max(first, 1e-9))
    ends = TrackEnds(where[0], where[1], distance, sure=bool(abs(gain) > _SURE))
    return ends if gain >= 0 else ends.turned()


def start_of_shower(
    place: Array, fragment: Array, deposit: Array, semantic: int, points: Points
) -> Array:
    """Where a shower starts.

    A predicted point of the class at the fragment that it begins with; without one, the extreme of
    that fragment away from the rest of the shower, or, of a shower of one fragment, the one at its
    narrower half.

    Args:
        place: Middles of all its voxels (n, 3).
        fragment: Of those of the fragment that it begins with (m, 3), m > 0.
        deposit: Of these, MeV (m,).
        semantic: Class of the particle.
        points: Of the event.

    Returns:
        (3,).
    """
    low, high = extremes(fragment)
    found = [points.near(end, semantic, SNAP_VOXELS) for end in (low, high)]
    if (found[0] >= 0) == (found[1] >= 0):
        chosen = 0 if _starts_low(place, fragment, deposit, low, high) else 1
    else:
        chosen = 0 if found[0] >= 0 else 1
    start: Array = points.place[found[chosen]] if found[chosen] >= 0 else (low, high)[chosen]
    return start


def extremes(place: Array) -> tuple[Array, Array]:
    """First and last voxel along the principal axis."""
    axis = principal_axis(place)
    along = place @ np.nan_to_num(axis)
    return place[int(np.argmin(along))], place[int(np.argmax(along))]


def _starts_low(place: Array, fragment: Array, deposit: Array, low: Array, high: Array) -> bool:
    if len(place) > len(fragment):
        rest = (place.sum(axis=0) - fragment.sum(axis=0)) / (len(place) - len(fragment))
        return bool(np.linalg.norm(rest - low) >= np.linalg.norm(rest - high))
    axis = np.nan_to_num(principal_axis(fragment))
    middle = np.average(fragment, axis=0, weights=np.maximum(deposit, 1e-9))
    along = (fragment - middle) @ axis
    aside = ((fragment - middle) ** 2).sum(axis=1) - along**2
    halves = along <= (along.min() + along.max()) / 2
    width = [aside[half].mean() if half.any() else 0.0 for half in (halves, ~halves)]
    lies_low = bool((low - middle) @ axis <= (high - middle) @ axis)
    return (width[0] <= width[1]) == lies_low
