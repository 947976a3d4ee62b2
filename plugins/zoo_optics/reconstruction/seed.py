"""Where to start a fit: the point and time at which most hits agree.

``G(x, t) = sum_i exp(-(T_i / sigma)^2 / 2)``, ``T_i = t_i - t - |x_i - x| n_g / c``, is climbed
from a coarse grid of points while sigma is annealed. A wide sigma has one maximum; a narrow one
does not see scattered light and dark hits. It needs no model of the light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_optics.physics.detector import Box, Cylinder, Detector
from zoo_optics.physics.water import C_CM_NS
from zoo_optics.reconstruction.events import Event
from zoo_optics.reconstruction.timing import residual

__all__ = ["SIGMAS_NS", "Seed", "find_places", "find_seed", "goodness", "grid", "moved_inside"]

Array = NDArray[np.float64]

SIGMAS_NS = (50.0, 10.0, 3.0)
_MOST_HITS = 600
_CLIMBED = 12
_STEPS = 12
_MARGIN_CM = 2.0


@dataclass(frozen=True)
class Seed:
    """A point and a time.

    Attributes:
        position_cm: (3,).
        start_ns: Of the light.
        goodness: G there, at the last sigma, over the number of hits.
    """

    position_cm: Array
    start_ns: float
    goodness: float


def goodness(late_ns: Array, sigma_ns: float) -> Array:
    """G of residuals (..., hits): (...)."""
    total: Array = np.exp(-0.5 * (late_ns / sigma_ns) ** 2).sum(-1)
    return total


def grid(volume: Cylinder | Box, per_axis: int = 6) -> Array:
    """Points (N, 3) on a cubic grid of the volume's box that are inside, cm."""
    share = (np.arange(per_axis) + 0.5) / per_axis
    places = np.stack(np.meshgrid(share, share, share, indexing="ij"), -1).reshape(-1, 3)
    points: Array = volume.low + (volume.high - volume.low) * places
    return points[volume.holds(points)]


def find_seed(
    detector: Detector, event: Event, group_index: float, sigmas_ns: Sequence[float] = SIGMAS_NS
) -> Seed:
    """The best point and time of an event with hits.

    Args:
        detector: Sensors and volume.
        event: With at least one hit. Of very many hits, evenly chosen ones are used.
        group_index: Of the light.
        sigmas_ns: Widths, from wide to narrow.
    """
    hits = _hits(detector, event, group_index)
    points = grid(detector.volume)
    starts = hits.starts(points)
    best = np.argsort(-goodness(hits.late(points, starts), sigmas_ns[0]))[:_CLIMBED]
    points, starts = points[best], starts[best]
    for sigma in sigmas_ns:
        for _ in range(_STEPS):
            points, starts = hits.climbed(points, starts, sigma)
    value = goodness(hits.late(points, starts), sigmas_ns[-1])
    first = int(value.argmax())
    return Seed(points[first], float(starts[first]), float(value[first]) / len(hits.time_ns))


def find_places(
    detector: Detector, event: Event, group_index: float, per_axis: int
) -> tuple[Array, Array]:
    """A grid of points (N, 3), cm, with the median time (N,), ns, at which light started there.

    For light that is not of one point: what :func:`find_seed` finds may then be far away, at the
    wall that a cone lights.
    """
    points = grid(detector.volume, per_axis)
    return points, _hits(detector, event, group_index).starts(points)


def _hits(detector: Detector, event: Event, group_index: float) -> _Hits:
    step = max(1, len(event.time_ns) // _MOST_HITS)
    sensor = detector.sensors.position_cm[event.sensor[::step]]
    return _Hits(sensor, event.time_ns[::step], group_index, detector.volume)


@dataclass(frozen=True)
class _Hits:
    """Where (H, 3) and when (H,) there were hits, and what the light went through."""

    sensor_cm: Array
    time_ns: Array
    index: float
    volume: Cylinder | Box

    def late(self, points: Array, starts: Array) -> Array:
        """Residuals (N, H) for points (N, 3) and times (N,)."""
        distance = np.linalg.norm(points[:, None] - self.sensor_cm[None], axis=2)
        return residual(self.time_ns[None], starts[:, None], distance, self.index)

    def starts(self, points: Array) -> Array:
        """Median time (N,) at which light of points (N, 3) would have started."""
        found: Array = np.median(self.late(points, np.zeros(len(points))), axis=1)
        return found

    def climbed(self, points: Array, starts: Array, sigma: float) -> tuple[Array, Array]:
        """One step of weighted least squares from every point, where it gains.

        Its weights are the terms of G.
        """
        way = points[:, None] - self.sensor_cm[None]
        distance = np.maximum(np.linalg.norm(way, axis=2), 1e-9)
        late = residual(self.time_ns[None], starts[:, None], distance, self.index)
        per_cm = way / distance[..., None] * (self.index / C_CM_NS)
        slope = np.concatenate([per_cm, np.ones((*distance.shape, 1))], axis=2)
        weighted = slope * np.exp(-0.5 * (late / sigma) ** 2)[..., None]
        matrix = np.einsum("nhi,nhj->nij", weighted, slope)
        ridge = 1e-6 * np.trace(matrix, axis1=1, axis2=2) + 1e-12
        matrix += ridge[:, None, None] * np.eye(4)
        step = np.linalg.solve(matrix, np.einsum("nhi,nh->ni", weighted, late)[..., None])[..., 0]
        to, then = moved_inside(self.volume, points + step[:, :3]), starts + step[:, 3]
        gains = goodness(self.late(to, then), sigma) > goodness(late, sigma)
        return np.where(gains[:, None], to, points), np.where(gains, then, starts)


def moved_inside(volume: Cylinder | Box, points: Array) -> Array:
    """Points, moved into the volume where they left it."""
    middle = (volume.low + volume.high) / 2
    half = (volume.high - volume.low) / 2 - _MARGIN_CM
    off = np.clip(points - middle, -half, half)
    if isinstance(volume, Cylinder):
        radius = np.hypot(off[:, 0], off[:, 1])
        off[:, :2] *= np.minimum(1, half[0] / np.maximum(radius, 1e-9))[:, None]
    return middle + off
