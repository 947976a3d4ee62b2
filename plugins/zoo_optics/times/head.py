"""A SIREN of (point, sensor) that answers with the distribution of a hit's residual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from zoo.api import PluginError, chunked
from zoo_optics.config import SurrogateConfig
from zoo_optics.models.siren import siren_stack
from zoo_optics.physics.detector import detector_of
from zoo_optics.physics.water import C_CM_NS
from zoo_optics.times.hits import clock_of

__all__ = ["HitTimes", "ShapeTensors", "times_of", "with_times"]

_LAYERS, _FREQUENCY = 2, 5.0  # as those of siren-prior: times change slowly with the place
_WIDTH_NS = 1.0
_TAIL = 0.1  # of the time that light takes across the volume
_FURTHEST = 4.0  # of logarithms from where they begin


class ShapeTensors(NamedTuple):
    """Prompt share, shift, width and tail (ns) of one shape; see ``times.shapes``."""

    prompt: Tensor
    shift: Tensor
    width: Tensor
    tail: Tensor


class HitTimes(nn.Module):
    """Rows of points and sensors through a small SIREN of its own.

    It shares no parameter with the network of the visibilities, so these are learnt as they are
    without it; and in a training it works on the pairs that have hits alone.

    Raises:
        DataError: If the facts do not tell the speed of light.
    """

    middle: Tensor
    extent: Tensor
    sensor: Tensor
    normal: Tensor

    def __init__(self, config: SurrogateConfig, facts: Mapping[str, Any]) -> None:
        super().__init__()
        detector, clock = detector_of(facts), clock_of(facts)
        low, high = torch.tensor(detector.volume.low), torch.tensor(detector.volume.high)
        middle, half = (low + high) / 2, (high - low) / 2
        place = (torch.tensor(detector.sensors.position_cm) - middle) / half
        normal = torch.tensor(detector.sensors.direction)
        # The network of the visibilities keeps the same numbers: once is enough in a file.
        for name, value in (("middle", middle), ("extent", half), ("sensor", place)):
            self.register_buffer(name, value.float(), persistent=False)
        self.register_buffer("normal", normal.float(), persistent=False)
        across_cm = float(np.linalg.norm(detector.volume.high - detector.volume.low))
        self.width_ns = float(facts.get("transit_spread_ns", 0.0)) or _WIDTH_NS
        self.tail_ns = _TAIL * across_cm * clock.group_index / C_CM_NS
        self.radius_cm = detector.sensors.radius_cm
        inputs = (6 if config.direction else 3) + 8
        self.stack = siren_stack(inputs, config.time_hidden, _LAYERS, 4, _FREQUENCY, recompute=True)

    def forward(
        self, position: Tensor, direction: Tensor | None, flash: Tensor, sensor: Tensor
    ) -> ShapeTensors:
        """Shapes (P,) of pairs.

        Args:
            position: (N, 3), cm.
            direction: (N, 3), unit vectors, where the config wants them.
            flash: int64 (P,), rows of the positions.
            sensor: int64 (P,).
        """
        inputs = self._inputs(position, direction)
        return self._shapes(torch.cat([inputs[flash], self.sensor[sensor], self.normal[sensor]], 1))

    def everywhere(self, position: Tensor, direction: Tensor | None = None) -> ShapeTensors:
        """Shapes (N, sensors) of all pairs; arguments as of :meth:`forward`."""
        inputs = self._inputs(position, direction)
        size = (inputs.shape[0], len(self.sensor))
        pairs = (
            inputs[:, None].expand(*size, inputs.shape[1]),
            self.sensor[None].expand(*size, 3),
            self.normal[None].expand(*size, 3),
        )
        found = self._shapes(torch.cat(pairs, 2).reshape(-1, inputs.shape[1] + 6))
        return ShapeTensors(*(part.reshape(-1, len(self.sensor)) for part in found))

    def of_rows(self, rows: Tensor) -> Tensor:
        """(R, inputs + 6), the sensor's place and normal last, to (R, 4)."""
        place, normal = rows[:, -6:-3], rows[:, -3:]
        way = (place - rows[:, :3]) * self.extent
        distance = way.norm(dim=1).clamp_min(self.radius_cm)
        cosine = -(way * normal).sum(1) / distance
        shape = torch.stack([cosine, (distance / self.extent.norm()).log() / 3], 1)
        answers: Tensor = self.stack(torch.cat([rows, shape], 1))
        return answers

    def _inputs(self, position: Tensor, direction: Tensor | None) -> Tensor:
        scaled = (position - self.middle) / self.extent
        return scaled if direction is None else torch.cat([scaled, direction], 1)

    def _shapes(self, rows: Tensor) -> ShapeTensors:
        # A file has no chunks: what cuts rows would fix their number in it.
        jit: Any = torch.jit  # it has no types
        recorded = jit.is_tracing() or torch.compiler.is_exporting()
        raw = self.of_rows(rows) if recorded else chunked(self.of_rows, self, rows)
        share, shift, width, tail = raw.float().unbind(1)
        return ShapeTensors(
            torch.sigmoid(2 + 4 * share),
            self.width_ns * shift,
            self.width_ns * width.clamp(-_FURTHEST, _FURTHEST).exp(),
            self.tail_ns * (2 * tail).clamp(-_FURTHEST, _FURTHEST).exp(),
        )


def with_times(
    net: nn.Module, config: SurrogateConfig, facts: Mapping[str, Any]
) -> dict[str, nn.Module]:
    """The networks of a model: the one of the visibilities, with a head where one is wanted."""
    if config.time:
        net.times = HitTimes(config, facts)
    return {"net": net}


def times_of(nets: Mapping[str, nn.Module]) -> HitTimes:
    """The head of a model's network.

    Raises:
        PluginError: If it has none.
    """
    head = getattr(nets["net"], "times", None)
    if not isinstance(head, HitTimes):
        raise PluginError("the network has no head for times", where="model.time")
    return head
