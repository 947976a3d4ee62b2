"""A SIREN of the point and one of the sensor, whose answers are multiplied."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.api import chunked
from zoo_optics.config import SirenFactorConfig
from zoo_optics.models.doubt import require_doubt
from zoo_optics.models.folding import around, around_with_slope, point_folding
from zoo_optics.models.siren import siren_stack
from zoo_optics.models.slopes import stack_with_slope
from zoo_optics.models.surroundings import Surrogate
from zoo_optics.times.head import with_times

__all__ = ["Factors", "SirenFactor", "factor_networks"]

_DOUBT_LAYERS, _DOUBT_RANK, _DOUBT_FREQUENCY = 1, 16, 5.0


class Factors(nn.Module):
    """``omega / sqrt(K) <g(x), h(s)> + a(x) + b(s)`` of a point x and a sensor s.

    One SIREN answers with g, K numbers, and a; the other with h and b. What they answer has the
    variance ``1 / omega^2`` at the start (:mod:`zoo_optics.models.siren`), so each of the three
    terms has it, too: that of a single SIREN's answer.

    Args:
        inputs: Width of a point.
        sensor_inputs: Width of a sensor.
        hidden: Width of both networks.
        layers: Their sine layers after the first.
        rank: K.
        frequency: omega of both.
        recompute: As of :class:`zoo_optics.models.siren.SineLayer`.
    """

    def __init__(
        self,
        inputs: int,
        sensor_inputs: int,
        *,
        hidden: int,
        layers: int,
        rank: int,
        frequency: float,
        recompute: bool,
    ) -> None:
        super().__init__()
        self.of_point, self.of_sensor = (
            siren_stack(width, hidden, layers, rank + 1, frequency, recompute=recompute)
            for width in (inputs, sensor_inputs)
        )
        self.scale = frequency / math.sqrt(rank)
        self._kept: tuple[Any, Tensor] | None = None

    def forward(self, points: Tensor, sensors: Tensor) -> Tensor:
        """Points (N, inputs) and sensors (S, sensor inputs) to (N, S)."""
        values = self._scaled(_rows(self.of_point, points))
        return functional.pad(values, (0, 1), value=1.0) @ self.sensors(sensors).T

    def with_slope(self, points: Tensor, slope: Tensor, sensors: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`forward`, and its derivative (N, 3, S) from that of the points."""
        values, slopes = stack_with_slope(self.of_point, points, slope)
        columns = self.sensors(sensors).T
        answers = functional.pad(self._scaled(values), (0, 1), value=1.0) @ columns
        return answers, self._scaled(slopes) @ columns[:-1]

    def sensors(self, rows: Tensor) -> Tensor:
        """(S, sensor inputs) to h, 1 and b, (S, K + 2).

        Where nothing is differentiated, they are computed once and kept until a weight or a sensor
        changes: a fit of events asks for a few points of one detector over and over.
        """
        if not _may_keep(rows):
            return self._sensors(rows)
        # A tensor's version counts what is written to it: here it tells of new weights.
        parts = (rows, *self.of_sensor.parameters())
        state = [(part.data_ptr(), part.dtype, part._version) for part in parts]  # noqa: SLF001
        if self._kept is None or self._kept[0] != state:
            self._kept = (state, self._sensors(rows))
        return self._kept[1]

    def _sensors(self, rows: Tensor) -> Tensor:
        values = _rows(self.of_sensor, rows)
        return torch.cat([values[:, :-1], torch.ones_like(values[:, -1:]), values[:, -1:]], 1)

    def _scaled(self, values: Tensor) -> Tensor:
        return torch.cat([self.scale * values[..., :-1], values[..., -1:]], -1)


class SirenFactor(Surrogate):
    """Rank K in (point, sensor): the work grows with points plus sensors, but for one product.

    A pair network works on points times sensors. What a sensor is, its place and its normal, enters
    only its own half, so that its network serves any number of sensors, as that of pairs does. A
    point is folded, for all sensors at once, as for a network with an output for each sensor.
    """

    place: Tensor

    def __init__(self, config: SirenFactorConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.fold = point_folding(config, facts)
        place = torch.cat([self.sensor, self.normal], 1)
        self.register_buffer("place", place, persistent=False)  # a file has both parts already
        self.factors = Factors(
            self.inputs,
            place.shape[1],
            hidden=config.hidden,
            layers=config.layers,
            rank=config.rank,
            frequency=config.frequency,
            recompute=config.recompute,
        )
        self.doubt: nn.Module | None = None
        if config.uncertainty:
            self.doubt = Factors(
                self.inputs,
                place.shape[1],
                hidden=max(8, config.hidden // 2),
                layers=_DOUBT_LAYERS,
                rank=_DOUBT_RANK,
                frequency=_DOUBT_FREQUENCY,
                recompute=config.recompute,
            )

    def answer(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors)."""
        return around(self.fold, partial(self.factors, sensors=self.place), inputs)

    def doubts(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors)."""
        return around(self.fold, partial(require_doubt(self.doubt), sensors=self.place), inputs)

    def answer_with_slope(self, inputs: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """(N, sensors), and their derivative by the position, (N, sensors, 3)."""
        network = partial(self.factors.with_slope, sensors=self.place)
        answers, slopes = around_with_slope(self.fold, network, inputs, slope)
        return answers, slopes.transpose(1, 2)


def _recorded() -> bool:
    jit: Any = torch.jit  # it has no types
    return bool(jit.is_tracing() or torch.compiler.is_exporting())


def _rows(stack: nn.Module, rows: Tensor) -> Tensor:
    """Rows through a network, in chunks but for a file: what cuts rows would fix their number."""
    answers: Tensor = stack(rows) if _recorded() else chunked(stack, stack, rows)
    return answers


def _may_keep(rows: Tensor) -> bool:
    """Whether what is computed now is what a later call would compute."""
    if _recorded() or torch.is_grad_enabled() or rows.is_meta:
        return False
    return not torch.is_autocast_enabled(rows.device.type)


def factor_networks(config: SirenFactorConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """The network of ``siren-factor``."""
    return with_times(SirenFactor(config, facts), config, facts)
