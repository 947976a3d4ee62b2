"""What every surrogate knows of its detector, and how its output becomes a visibility."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo_optics.config import SurrogateConfig
from zoo_optics.models.doubt import relative_error
from zoo_optics.physics.detector import alive_of, detector_of

__all__ = ["Surrogate"]


class Surrogate(nn.Module):
    """Base of the networks: points in cm to logarithms of the visibility of every sensor.

    The visibility of a sensor is the probability that a photon which starts at the point is
    detected there.

    Attributes:
        sensor: float32 (sensors, 3), positions in units of half the volume, -1 to 1 inside.
        normal: float32 (sensors, 3).
        log_yield: float32 (sensors,), learnt where the config wants yields, else none.
    """

    middle: Tensor
    extent: Tensor
    sensor: Tensor
    normal: Tensor
    counted: Tensor

    def __init__(self, config: SurrogateConfig, facts: Mapping[str, Any]) -> None:
        super().__init__()
        detector = detector_of(facts)
        low, high = torch.tensor(detector.volume.low), torch.tensor(detector.volume.high)
        middle, half = (low + high) / 2, (high - low) / 2
        sensors = torch.tensor(detector.sensors.position_cm)
        self.register_buffer("middle", middle.float())
        self.register_buffer("extent", half.float())
        self.register_buffer("sensor", ((sensors - middle) / half).float())
        self.register_buffer("normal", torch.tensor(detector.sensors.direction).float())
        self.scale = config.decades * math.log(10)
        self.inputs = 6 if config.direction else 3
        self.radius_cm = detector.sensors.radius_cm
        # A sensor's share of the wall is what it sees of light that is spread evenly.
        self.mean_log = math.log(math.pi * self.radius_cm**2 / detector.volume.wall_cm2)
        self.log_yield: nn.Parameter | None = None
        if config.yields:
            self.log_yield = nn.Parameter(torch.zeros(len(sensors)))
            self.register_buffer("counted", _counted(facts, len(sensors)))

    def forward(
        self,
        position: Tensor,
        direction: Tensor | None = None,
        sensors: Tensor | None = None,
    ) -> Tensor:
        """``log v`` float32 (N, sensors).

        Args:
            position: (N, 3), cm.
            direction: (N, 3), unit vectors; only where the config wants it.
            sensors: int64 (N, K), which sensors each point is asked about, for networks of pairs;
                the answer is then (N, K).
        """
        inputs = self._inputs(position, direction)
        if sensors is None:
            return self._logarithm(self.answer(inputs).to(position.dtype))
        return self._logarithm(self.answer_of(inputs, sensors).to(position.dtype), sensors)

    def errors(self, position: Tensor, direction: Tensor | None = None) -> Tensor:
        """The relative error of v, float32 (N, sensors); arguments as for :meth:`forward`.

        Raises:
            ConfigError: If the network was trained without.
        """
        return relative_error(self.doubts(self._inputs(position, direction)).float())

    def with_slope(
        self, position: Tensor, direction: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """``log v`` (N, sensors), and its derivative by the position, (N, sensors, 3), per cm.

        Arguments as for :meth:`forward`.

        Raises:
            PluginError: If the network has a layer whose derivative is not known.
        """
        inputs = self._inputs(position, direction)
        each = torch.diag(1 / self.extent)
        each = functional.pad(each, (0, inputs.shape[1] - 3))  # directions do not move
        slope = each.expand(inputs.shape[0], 3, inputs.shape[1])
        answers, slopes = self.answer_with_slope(inputs, slope)
        return self._logarithm(answers), self.scale * slopes

    def _logarithm(self, answers: Tensor, sensors: Tensor | None = None) -> Tensor:
        logarithm = self.mean_log + self.scale * answers
        if self.log_yield is None:
            return logarithm
        yields = self.log_yields()
        return logarithm + (yields if sensors is None else yields[sensors])

    def _inputs(self, position: Tensor, direction: Tensor | None) -> Tensor:
        scaled = (position - self.middle) / self.extent
        return scaled if direction is None else torch.cat([scaled, direction], 1)

    def log_yields(self) -> Tensor:
        """Logarithm of the yield of every sensor, float32 (sensors,).

        Of those alive the mean is 0, for the visibility itself has a factor common to all. Dead
        sensors have the yield 1: nothing tells theirs.
        """
        if self.log_yield is None:
            return torch.zeros(len(self.sensor), device=self.sensor.device)
        apart: Tensor = self.log_yield - self.log_yield @ self.counted
        return apart * self.counted.sign()

    def doubts(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors): what :func:`relative_error` makes an error of."""
        raise NotImplementedError  # abstract: every network has its own

    def answer(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors), 0 for a sensor that sees its share of the wall."""
        raise NotImplementedError  # abstract: every network has its own

    def answer_of(self, inputs: Tensor, sensors: Tensor) -> Tensor:
        """(N, 3 or 6) and int64 (N, K) to (N, K): as :meth:`answer`, of these sensors alone."""
        raise NotImplementedError  # abstract: networks of pairs have it

    def answer_with_slope(self, inputs: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`answer`, with its derivative by the position, (N, sensors, 3).

        Args:
            inputs: (N, 3 or 6).
            slope: (N, 3, 3 or 6), their derivative by x, y and z.
        """
        raise NotImplementedError  # abstract: every network has its own


def _counted(facts: Mapping[str, Any], sensors: int) -> Tensor:
    """Weight of each sensor in the mean: alike for those alive, 0 for dead ones."""
    alive = alive_of(facts)
    weight = torch.ones(sensors) if alive is None else torch.from_numpy(alive).float()
    return weight / weight.sum().clamp_min(1)
