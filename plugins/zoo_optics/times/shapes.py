"""The distribution of a hit's residual ``t - R n_g / c``, numpy side.

Of light: a Gaussian core, the light that comes straight, and an exponential that the same core
smears, the scattered and reflected light; so four numbers for every point and sensor. Of hits:
the mixture of this with an even part, dark hits and what the shape does not foresee.

Neither of the two alone describes flashes of the photon transport; a test fits each to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from zoo_optics.reconstruction.timing import gaussian, tail

__all__ = ["COLUMNS", "MOST_DARK", "STRAY", "Shape", "flat_share", "shape_in"]

Array = NDArray[np.float64]

COLUMNS = ("time_prompt", "time_shift", "time_width", "time_tail")
"""Of predictions, and outputs of networks and exported files, in the order of :class:`Shape`."""

STRAY = 1e-3
"""Share of the light's hits that is taken to be spread evenly, so that no single hit which the
shape does not foresee decides alone."""

MOST_DARK = 0.99
"""Largest share of dark hits: a visibility is only learnt, and may be too small."""


@dataclass(frozen=True)
class Shape:
    """Of the light alone; arrays that broadcast.

    Attributes:
        prompt: Share of the core, 0 to 1.
        shift_ns: Its middle.
        width_ns: Its RMS.
        tail_ns: Mean delay of the rest.
    """

    prompt: Array
    shift_ns: Array
    width_ns: Array
    tail_ns: Array

    def at(self, index: Any) -> Shape:
        """Its part at an index of numpy."""
        return Shape(
            self.prompt[index], self.shift_ns[index], self.width_ns[index], self.tail_ns[index]
        )

    def reshaped(self, size: tuple[int, ...]) -> Shape:
        """The same in another shape."""
        return Shape(
            self.prompt.reshape(size),
            self.shift_ns.reshape(size),
            self.width_ns.reshape(size),
            self.tail_ns.reshape(size),
        )

    def density(self, late_ns: Array) -> Array:
        """Of residuals, 1/ns."""
        from_shift = late_ns - self.shift_ns
        straight = gaussian(from_shift, self.width_ns)
        crooked = tail(from_shift, self.width_ns, self.tail_ns)
        density: Array = self.prompt * straight + (1 - self.prompt) * crooked
        return density

    def cumulative(self, late_ns: Array) -> Array:
        """Probability of a residual up to these, 0 to 1.

        That of a smeared exponential is the Gaussian's less ``tail * density``, by parts.
        """
        from_shift = late_ns - self.shift_ns
        crooked = self.tail_ns * tail(from_shift, self.width_ns, self.tail_ns)
        below = ndtr(from_shift / self.width_ns) - (1 - self.prompt) * crooked
        return np.clip(below, 0, 1)

    @property
    def mean_ns(self) -> Array:
        """Mean residual."""
        mean: Array = self.shift_ns + (1 - self.prompt) * self.tail_ns
        return mean

    @property
    def rms_ns(self) -> Array:
        """Its standard deviation: an exponential has the second moment ``2 tail^2``."""
        late = 1 - self.prompt
        rms: Array = np.sqrt(self.width_ns**2 + late * (2 - late) * self.tail_ns**2)
        return rms


def shape_in(table: Mapping[str, Any]) -> Shape:
    """The shape of the columns of a prediction, float64 (N, sensors) each."""
    return Shape(*(np.asarray(table[name], np.float64) for name in COLUMNS))


def flat_share(expected: Array, dark: float) -> Array:
    """Share of the hits that is spread evenly over the window.

    Args:
        expected: Charge that a sensor is expected to see, dark hits included.
        dark: Dark hits expected of a sensor.
    """
    share = np.minimum(dark / np.maximum(expected, 1e-30), MOST_DARK)
    flat: Array = STRAY + (1 - STRAY) * share
    return flat
