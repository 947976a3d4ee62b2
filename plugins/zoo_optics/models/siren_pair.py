"""One SIREN of (point, sensor), for any number of sensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.api import chunked
from zoo_optics.config import SirenPairConfig, SirenPriorConfig
from zoo_optics.models.doubt import doubt_stack, require_doubt
from zoo_optics.models.folding import pair_folding
from zoo_optics.models.siren import siren_stack
from zoo_optics.models.slopes import direct_shape_slope, log_direct_slope, stack_with_slope
from zoo_optics.models.surroundings import Surrogate
from zoo_optics.times.head import with_times

__all__ = ["SirenPair", "SirenPrior", "pair_networks", "prior_networks"]

_SHARPNESS, _LEAST_COSINE = 30.0, 1e-3  # of the softened cosine


class SirenPair(Surrogate):
    """Rows of points and sensors through one small SIREN.

    Its memory is that of the rows which are worked on at a time (``engine.chunk``), not that of the
    sensors. Nothing here broadcasts a value per sensor against rows of pairs: that is how a batch
    of a few events comes to need sensors squared.
    """

    extra = 3
    pair = 3

    def __init__(self, config: SirenPairConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.fold = pair_folding(config, facts)
        self.stack = siren_stack(
            self.inputs + self.extra,
            config.hidden,
            config.layers,
            1,
            config.frequency,
            recompute=config.recompute,
        )
        self.doubt = doubt_stack(config, self.inputs + self.pair, 1)

    def answer(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors)."""
        return self._of_all(self.of_rows, inputs)

    def doubts(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors)."""
        return self._of_all(self.doubt_of_rows, inputs)

    def answer_of(self, inputs: Tensor, sensors: Tensor) -> Tensor:
        """(N, 3 or 6) and int64 (N, K) to (N, K)."""
        return chunked(self.of_rows, self, self.rows(inputs, sensors)).reshape(sensors.shape)

    def _of_all(self, function: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        rows = self.rows(inputs)
        # A file has no chunks: what cuts rows would fix their number in it.
        jit: Any = torch.jit  # it has no types
        recorded = jit.is_tracing() or torch.compiler.is_exporting()
        answers = function(rows) if recorded else chunked(function, self, rows)
        return answers.reshape(-1, len(self.sensor))

    def answer_with_slope(self, inputs: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """(N, sensors), and their derivative by the position, (N, sensors, 3)."""
        rows = self.rows(inputs)
        each = slope[:, None].expand(-1, len(self.sensor), -1, -1)
        each = each.reshape(-1, 3, self.inputs)
        still = rows.shape[1] - self.inputs  # a sensor's columns
        answers, slopes = self.of_rows_with_slope(rows, functional.pad(each, (0, still)))
        sensors = len(self.sensor)
        return answers.reshape(-1, sensors), slopes.reshape(-1, sensors, 3)

    def rows(self, inputs: Tensor, sensors: Tensor | None = None) -> Tensor:
        """Every point with every sensor, (N * sensors, inputs + 3 of the sensor).

        Args:
            inputs: (N, 3 or 6).
            sensors: int64 (N, K), those of each point; ``None``: all.
        """
        place = _of_each(self.sensor, inputs, sensors)
        points = inputs[:, None].expand(-1, place.shape[1], -1)
        return torch.cat([points, place], 2).reshape(-1, self.inputs + 3)

    def of_rows(self, rows: Tensor) -> Tensor:
        """(R, inputs + 3) to (R, 1)."""
        answers: Tensor = self.stack(self.folded(rows))
        return answers

    def doubt_of_rows(self, rows: Tensor) -> Tensor:
        """(R, inputs + 3 or 6) to (R, 1)."""
        answers: Tensor = require_doubt(self.doubt)(self.folded(rows))
        return answers

    def folded(self, rows: Tensor) -> Tensor:
        """Rows in the part of the detector that the symmetries leave; without any as they are."""
        return rows if self.fold is None else self.fold(rows)

    def of_rows_with_slope(self, rows: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`of_rows`, with its derivative by the position, (R, 3, 1)."""
        return stack_with_slope(self.stack, *self.folded_with_slope(rows, slope))

    def folded_with_slope(self, rows: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`folded`, with its derivative by the position."""
        return (rows, slope) if self.fold is None else self.fold.with_slope(rows, slope)


class SirenPrior(SirenPair):
    """Solid angle and attenuation in closed form; the SIREN learns what is missing.

    ``log v = log(Omega / 4 pi) + log(softened cos) - d / length + scale * siren``; the SIREN also
    sees the distance and the cosine. Behind a sensor the cosine is softened, not cut: scattered
    light comes from there.
    """

    extra = 8
    pair = 6

    def __init__(self, config: SirenPriorConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.log_length = nn.Parameter(torch.tensor(math.log(config.attenuation_cm)))

    def rows(self, inputs: Tensor, sensors: Tensor | None = None) -> Tensor:
        """As those of the pairs, and the sensor's normal."""
        pairs = super().rows(inputs, sensors)
        normal = _of_each(self.normal, inputs, sensors)
        return torch.cat([pairs, normal.reshape(-1, 3)], 1)

    def of_rows(self, rows: Tensor) -> Tensor:
        """(R, inputs + 6) to (R, 1)."""
        normal = rows[:, -3:]
        way = (rows[:, -6:-3] - rows[:, :3]) * self.extent
        distance = way.norm(dim=1).clamp_min(self.radius_cm)
        cosine = -(way * normal).sum(1) / distance
        size = self.extent.norm()
        shape = torch.stack([cosine, (distance / size).log() / 3], 1)
        correction: Tensor = self.stack(torch.cat([self.folded(rows), shape], 1))
        return correction + self._prior(distance, cosine)[:, None] / self.scale

    def of_rows_with_slope(self, rows: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`of_rows`, with its derivative by the position, (R, 3, 1)."""
        normal = rows[:, -3:]
        way = (rows[:, -6:-3] - rows[:, :3]) * self.extent
        distance = way.norm(dim=1).clamp_min(self.radius_cm)
        cosine = -(way * normal).sum(1) / distance
        turn = -slope[:, :, :3] * self.extent
        farther, facing = direct_shape_slope(way, turn, normal, self.radius_cm)
        shape = torch.stack([cosine, (distance / self.extent.norm()).log() / 3], 1)
        shape_slope = torch.stack([facing, farther / distance[:, None] / 3], 2)
        pairs, pair_slope = self.folded_with_slope(rows, slope)
        correction, steeper = stack_with_slope(
            self.stack, torch.cat([pairs, shape], 1), torch.cat([pair_slope, shape_slope], 2)
        )
        prior_slope = log_direct_slope(
            distance,
            cosine,
            farther,
            facing,
            radius_cm=self.radius_cm,
            length_cm=self.log_length.exp(),
            sharpness=_SHARPNESS,
            least=_LEAST_COSINE,
        )
        prior = self._prior(distance, cosine)[:, None]
        return correction + prior / self.scale, steeper + prior_slope[..., None] / self.scale

    def _prior(self, distance: Tensor, cosine: Tensor) -> Tensor:
        """``log v`` of the direct light over a sensor's share of the wall."""
        ratio = (self.radius_cm / distance).square().clamp_max(0.999)
        share = ratio / (1 + (1 - ratio).sqrt()) / 2  # (1 - sqrt(1 - ratio)) / 2, not cancelled
        soft = softened(cosine)
        return share.log() + soft.log() - distance / self.log_length.exp() - self.mean_log


def _of_each(values: Tensor, inputs: Tensor, sensors: Tensor | None) -> Tensor:
    """What is known of each sensor, (sensors, 3), for every point: (N, sensors or K, 3)."""
    values = values.to(inputs.dtype)
    return values.expand(inputs.shape[0], *values.shape) if sensors is None else values[sensors]


def softened(cosine: Tensor, sharpness: float = _SHARPNESS) -> Tensor:
    """The cosine where it is positive, falling smoothly towards 0 behind the sensor."""
    soft: Tensor = functional.softplus(cosine, beta=sharpness)
    return soft.clamp_min(_LEAST_COSINE)


def pair_networks(config: SirenPairConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """The network of ``siren-pair``."""
    return with_times(SirenPair(config, facts), config, facts)


def prior_networks(config: SirenPriorConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """The network of ``siren-prior``."""
    return with_times(SirenPrior(config, facts), config, facts)
