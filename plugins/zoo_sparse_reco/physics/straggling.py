"""How the energy that a heavy particle or an electron loses in a step fluctuates.

Collisions that give more than a threshold are drawn one by one from the spectrum of knock-on
electrons, (1 - beta^2 T / T_max) / T^2 (Particle Data Group, Review of Particle Physics 2022,
eq. 34.8); the many weaker ones fluctuate by a Gaussian of their variance. In the limit of thin
layers that is Landau's distribution, of thick ones Vavilov's, and steps add up as they should. The
spectrum of electrons on electrons (Moller) is taken to be the same, up to half the energy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import normal, uniform
from zoo_sparse_reco.physics.draws import numbered, poisson
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import MASS, XI_CM
from zoo_sparse_reco.physics.stopping import HEAVIEST_DELTA, beta2, largest_delta

__all__ = ["fluctuate"]

Array = NDArray[np.float64]
Keys = NDArray[np.uint64]

_LEAST_MEV = 0.02  # collisions above are drawn one by one ...
_MOST_COLLISIONS = 1.5  # ... unless there are more of them in a step
_LEAST_SHARE = 0.1  # of the mean loss is left by the Gaussian
_COUNT, _SIZE, _WEAK = 111, 112, 113  # tags


def fluctuate(
    keys: Keys, mean: Array, kinetic: Array, step_cm: Array, pid: NDArray[np.integer]
) -> Array:
    """Energy lost in steps, MeV (n,).

    Args:
        keys: (n,), of the steps.
        mean: Energy lost in collisions below :data:`HEAVIEST_DELTA` on average, MeV.
        kinetic: MeV, in the middle of the step.
        step_cm: Length of the step.
        pid: Kinds.
    """
    mass = MASS[pid]
    speed2 = beta2(np.maximum(kinetic, 1e-4), mass)
    most = largest_delta(kinetic, mass)
    most = np.where(pid == Pid.ELECTRON, kinetic / 2, most)
    least = np.minimum(HEAVIEST_DELTA, most)
    xi = XI_CM * step_cm / speed2
    threshold = np.minimum(np.maximum(_LEAST_MEV, xi / _MOST_COLLISIONS), least)
    drawn = threshold < least
    strong = np.where(
        drawn,
        xi * (np.log(least / threshold) - speed2 * (least - threshold) / np.maximum(most, 1e-9)),
        0.0,
    )
    # The variance of the weaker ones: the integral of T^2 dN = xi T_0.
    spread = np.sqrt(xi * threshold)
    weak = np.maximum(mean - strong, _LEAST_SHARE * mean)
    weak = np.maximum(weak + spread * normal(keys, tag=_WEAK), _LEAST_SHARE * mean)
    at = np.flatnonzero(drawn)
    sizes = _collisions(
        keys[at], xi[at], low=threshold[at], high=least[at], most=most[at], speed2=speed2[at]
    )
    weak[at] += sizes
    return weak


def _collisions(
    keys: Keys, xi: Array, *, low: Array, high: Array, most: Array, speed2: Array
) -> Array:
    """Sums (n,) of the energies given in collisions between two limits."""
    inverse, room = 1 / low, 1 / low - 1 / high
    count = poisson(uniform(keys, tag=_COUNT), xi * room)
    step = np.repeat(np.arange(len(keys)), count)
    number = np.arange(len(step)) - np.repeat(np.cumsum(count) - count, count)
    draw = uniform(numbered(keys[step], number, 1), 2, tag=_SIZE)
    size = 1 / (inverse[step] - draw[:, 0] * room[step])
    taken = draw[:, 1] < 1 - speed2[step] * size / most[step]
    sums = np.bincount(step[taken], weights=size[taken], minlength=len(keys))
    return sums.astype(np.float64)
