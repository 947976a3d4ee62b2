"""A flash to all sides: its place, time and number of photons from charges and hit times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_optics.reconstruction.events import Event
from zoo_optics.reconstruction.light import Light, Seen
from zoo_optics.reconstruction.maximise import Estimate, maximise
from zoo_optics.reconstruction.seed import Seed, find_seed
from zoo_optics.reconstruction.timing import gaussian, residual, tail

__all__ = ["FLAT_SHARE", "LEAST_INDIRECT", "LEAST_VISIBILITY", "Vertex", "fit_vertex"]

Array = NDArray[np.float64]

FLAT_SHARE = 1e-3
"""Share of the light that is taken to be spread over the window, so that no single hit which the
densities do not foresee decides alone."""
LEAST_VISIBILITY = 1e-9
"""Least visibility: a table may hold zeros where a few photons were not seen."""
LEAST_INDIRECT = 0.02
"""Least share of indirect light: where a model's light is that which comes straight but for its own
noise, a late hit would turn this noise into a noisy likelihood."""
_STEPS = (0.2, 0.2, 0.2, 0.02, 1e-3)
FEWEST_HITS = 5


@dataclass(frozen=True)
class VertexHypothesis:
    """Parameters x, y, z (cm), t0 (ns), log N.

    ``mu_i = N v_i + dark``; the density of a hit's time at sensor i is the mixture of direct light,
    indirect light and what is flat, each with its share of ``mu_i``. The direct share is that of
    the closed form; or direct and indirect light have the distribution that the model learnt.
    """

    light: Light

    @property
    def steps(self) -> Array:
        """Fractions of what sensors and times resolve."""
        return np.array(_STEPS)

    def allows(self, parameters: Array) -> bool:
        """Inside of the volume."""
        return bool(self.light.detector.volume.holds(parameters[:3]))

    def expect(self, parameters: Array, event: Event) -> tuple[Array, Array]:
        """Charges (K, S) and densities (K, H)."""
        light = self.light
        points, back = np.unique(parameters[:, :3], axis=0, return_inverse=True)
        back = back.reshape(-1)
        seen = light.at(points)
        visibility, shape = light.answer(points)
        total = np.maximum(visibility, LEAST_VISIBILITY)
        photons = np.exp(parameters[:, 4])[:, None]
        dark = light.dark_per_ns * light.window_ns
        mean = photons * total[back] + dark
        at = (back[:, None], event.sensor[None])
        index = light.index[0] if shape is None else light.learnt_index
        late = residual(event.time_ns[None], parameters[:, 3, None], seen.distance_cm[at], index)
        if shape is None:
            timed = self._closed_form(seen, total, at, late)
        else:
            timed = total[at] * shape.at(at).density(late)
        flat = total[at] * (FLAT_SHARE / light.window_ns)
        timed = (1 - FLAT_SHARE) * timed + flat
        density = (photons * timed + light.dark_per_ns) / mean[:, event.sensor]
        return mean, density

    def _closed_form(self, seen: Seen, total: Array, at: tuple[Any, Any], late: Array) -> Array:
        """Light per photon and ns at residuals (K, H): the direct share, and the rest late."""
        direct = np.minimum(seen.direct, (1 - LEAST_INDIRECT) * total)
        width = seen.width_ns[at]
        crooked = tail(late, width, self.light.tail_ns)
        timed: Array = direct[at] * gaussian(late, width) + (total - direct)[at] * crooked
        return timed


@dataclass(frozen=True)
class Vertex:
    """What was found.

    Attributes:
        position_cm: (3,).
        start_ns: When the light started.
        photons: How many.
        position_error_cm: (3,), standard errors.
        start_error_ns: Likewise.
        photons_error: Likewise.
        seed: Where the fit began.
        estimate: All parameters with their covariance.
    """

    position_cm: Array
    start_ns: float
    photons: float
    position_error_cm: Array
    start_error_ns: float
    photons_error: float
    seed: Seed
    estimate: Estimate


def fit_vertex(light: Light, event: Event) -> Vertex:
    """The flash of an event.

    Raises:
        DataError: If the event has fewer than five hits.
    """
    require_enough(event)
    seed = find_seed(light.detector, event, light.index[0])
    hypothesis = VertexHypothesis(light)
    start = np.array([*seed.position_cm, seed.start_ns, _log_photons(light, event, seed)])
    best = maximise(hypothesis, event, start)
    found, errors = best.parameters, best.errors
    photons = float(np.exp(found[4]))
    return Vertex(
        found[:3],
        float(found[3]),
        photons,
        errors[:3],
        float(errors[3]),
        photons * float(errors[4]),
        seed,
        best,
    )


def require_enough(event: Event) -> None:
    """Check that an event can be fitted.

    Raises:
        DataError: If it has fewer than five hits, the number of parameters of a flash.
    """
    if len(event.time_ns) < FEWEST_HITS:
        raise DataError(
            f"{len(event.time_ns)} hits are too few for a fit",
            where=f"event {event.id}",
            remedy=f"take events of at least {FEWEST_HITS} hits",
        )


def _log_photons(light: Light, event: Event, seed: Seed) -> float:
    """Of the photons that the charge speaks for at the seed."""
    alive = np.broadcast_to(event.alive, event.charge.shape)
    dark = light.dark_per_ns * light.window_ns * float(alive.sum())
    charge = max(float(event.charge.sum()) - dark, 1.0)
    return float(np.log(charge / (light.visibility(seed.position_cm[None]) @ alive).sum()))
