"""How late a track's light is, beyond the straight way: in closed form, or as a model learnt it.

A model learns from flashes to all sides how a point's light spreads in time at a sensor: a core,
the light that comes straight, and a tail (:mod:`zoo_optics.times.shapes`). How much of a track's
light comes straight its cone says, not the share that such flashes have; when either arrives is
what the model knows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_optics.times.shapes import Shape

__all__ = ["Arrivals", "closed_form", "learnt"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Arrivals:
    """Residuals of the light of tracks (K) at sensors (S), ns.

    Attributes:
        shift_ns: (K, S), middle of that of direct light.
        width_ns: (K, S), its RMS.
        indirect_shift_ns: (K, m, S), that of indirect light of parts of the track begins there.
        indirect_width_ns: (K, m, S), RMS of what smears it.
        tail_ns: (K, m, S), its mean delay.
    """

    shift_ns: Array
    width_ns: Array
    indirect_shift_ns: Array
    indirect_width_ns: Array
    tail_ns: Array


def closed_form(width_ns: Array, parts: int, tail_ns: float) -> Arrivals:
    """One tail for all; indirect light is smeared as the direct light of the track is.

    Args:
        width_ns: (K, S), of direct light.
        parts: m, of a track.
        tail_ns: Mean delay of indirect light.
    """
    tracks, sensors = width_ns.shape
    size = (tracks, parts, sensors)
    smeared = np.broadcast_to(width_ns[:, None], size)
    none = np.zeros((tracks, sensors))
    return Arrivals(none, width_ns, np.zeros(size), smeared, np.full(size, tail_ns))


def learnt(shape: Shape, place: Array) -> Arrivals:
    """Core and tail of the parts; direct light has the core of where it starts, linearly between.

    Args:
        shape: Of points in the middles of m equal parts of the tracks, (K, m, S) each, m > 1.
        place: (K, S), share of the track, 0 to 1, at which direct light starts.
    """
    parts = shape.shift_ns.shape[1]
    middle = np.clip(parts * place - 0.5, 0, parts - 1)
    low = np.minimum(middle.astype(np.intp), parts - 2)
    after = middle - low

    def there(values: Array) -> Array:
        first, second = (
            np.take_along_axis(values, at[:, None], axis=1)[:, 0] for at in (low, low + 1)
        )
        between: Array = (1 - after) * first + after * second
        return between

    return Arrivals(
        there(shape.shift_ns),
        there(shape.width_ns),
        shape.shift_ns,
        shape.width_ns,
        shape.tail_ns,
    )
