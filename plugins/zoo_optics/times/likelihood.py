"""The likelihood of hit times, torch side; ``times.shapes`` has the same distribution in numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.api import Batch
from zoo_optics.times.head import ShapeTensors, times_of
from zoo_optics.times.hits import clock_of
from zoo_optics.times.shapes import COLUMNS, MOST_DARK, STRAY

__all__ = ["log_density", "log_hits", "time_outputs", "time_term"]


def time_term(
    nets: Mapping[str, nn.Module], batch: Batch, expected: Tensor, facts: Mapping[str, Any]
) -> tuple[Tensor, int]:
    """Negative log likelihood of all hits of a batch, and how many they are.

    Args:
        nets: With the head.
        batch: With the targets of :func:`zoo_optics.times.hits.hit_targets`.
        expected: (N, sensors), the charges that the visibilities speak for, without a gradient:
            they tell how many hits are dark.
        facts: Of the data.
    """
    targets = batch.targets
    flash, sensor, of_hit = targets["pair_flash"], targets["pair_sensor"], targets["hit_pair"]
    inputs = (batch.inputs["position"], batch.inputs.get("direction"))
    shape = ShapeTensors(*(part[of_hit] for part in times_of(nets)(*inputs, flash, sensor)))
    mean = expected[flash, sensor][of_hit]
    dark = clock_of(facts).dark
    likelihood = log_hits(targets["hit_late"], shape, targets["hit_flat"], mean, dark)
    return -likelihood.sum(), len(of_hit)


def time_outputs(nets: Mapping[str, nn.Module], batch: Batch) -> dict[str, Tensor]:
    """What the head answers for all sensors, (N, sensors) by the names of the fields."""
    inputs = (batch.inputs["position"], batch.inputs.get("direction"))
    return dict(zip(COLUMNS, times_of(nets).everywhere(*inputs), strict=True))


def log_density(late: Tensor, shape: ShapeTensors) -> Tensor:
    """Logarithm of the light's density at residuals (H,), 1/ns; never infinite."""
    from_shift = late - shape.shift
    z = from_shift / shape.width
    core = -0.5 * z.square() - shape.width.log() - 0.5 * math.log(2 * math.pi)
    crooked = _log_tail(z, shape.width / shape.tail) - (2 * shape.tail).log()
    late_share = (1 - shape.prompt).clamp_min(1e-12)
    return torch.logaddexp(shape.prompt.clamp_min(1e-12).log() + core, late_share.log() + crooked)


def log_hits(late: Tensor, shape: ShapeTensors, flat: Tensor, mean: Tensor, dark: float) -> Tensor:
    """Logarithm of the density of hits (H,): light, and what is spread evenly.

    Args:
        late: Residuals, ns.
        shape: Of each hit's pair, (H,).
        flat: Density of what is spread evenly, 1/ns; 0 outside of the window.
        mean: Charge that the pair is expected to see, dark hits included.
        dark: Dark hits expected of a sensor.
    """
    share = STRAY + (1 - STRAY) * (dark / mean).clamp_max(MOST_DARK)
    return torch.logaddexp((1 - share).log() + log_density(late, shape), (share * flat).log())


def _log_tail(z: Tensor, ratio: Tensor) -> Tensor:
    """Of the smeared exponential times twice its tail, of z = x / width and width / tail.

    ``exp(ratio^2 / 2 - ratio z) erfc((ratio - z) / sqrt 2)``, in the form that does not overflow
    on either side; each is asked only for arguments on its own side, or its gradient would be NaN.
    """
    inner = (ratio - z) / math.sqrt(2)
    near = -0.5 * z.square() + torch.special.erfcx(inner.clamp_min(0)).log()
    far = 0.5 * ratio.square() - ratio * z + torch.special.erfc(inner.clamp_max(0)).log()
    return torch.where(inner > 0, near, far)
