"""Points and sensors turned and mirrored into one part of the detector.

So a network need not learn the same light again in the other parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zoo.api import ConfigError
from zoo_optics.config import SurrogateConfig
from zoo_optics.physics.detector import Detector, detector_of
from zoo_optics.physics.symmetry import NEAR, mirror, partners, require_symmetry

__all__ = [
    "FoldPairs",
    "FoldPoints",
    "around",
    "around_with_slope",
    "pair_folding",
    "point_folding",
]


class FoldPairs(nn.Module):
    """Rows of a point and a sensor into the part that the sensor's place chooses.

    A rotation takes the sensor to azimuth 0; there left and right are alike. (One on the axis stays
    as it is: it has no azimuth, and where walls reflect it sees the sensors around.) A mirror takes
    it to the positive side. Where a sensor stands in the mirror, both sides of it are alike and the
    point's coordinate becomes ``sqrt(c^2 + size^2)``, which has a slope everywhere. So the light of
    a sensor stays as smooth a function of the point as before.

    Args:
        symmetry: Of ``rotation``, ``x``, ``y``, ``z``.
        size: Of a sensor, in units of half the volume along each axis.
    """

    def __init__(self, symmetry: Sequence[str], size: Sequence[float]) -> None:
        super().__init__()
        self.rotation, self.size = "rotation" in symmetry, tuple(size)
        self.axes = [axis for axis, name in enumerate("xyz") if name in symmetry]
        if self.rotation:
            self.axes = [1, *self.axes]

    def forward(self, rows: Tensor) -> Tensor:
        """(R, 6 or 9) to the same shape: point, sensor and, where it is there, its normal."""
        folded, _ = self._fold(list(rows.unbind(1)), [])
        return torch.stack(folded, 1)

    def with_slope(self, rows: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`forward`, and its derivative (R, 3, 6 or 9) from that of the rows.

        The sensor does not move: only the first three columns of ``slope`` are not 0.
        """
        folded, moved = self._fold(list(rows.unbind(1)), list(slope[..., :3].unbind(2)))
        still = slope[..., 3:]
        return torch.stack(folded, 1), torch.cat([torch.stack(moved, 2), still], 2)

    def _fold(
        self, columns: list[Tensor], slopes: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Columns (R,), and slopes (R, 3) of the point's three, or none."""
        if self.rotation:
            cos, sin = _azimuth(columns)
            columns = _turned(columns, cos, sin)
            slopes = _turned(slopes, cos[:, None], sin[:, None])
        for axis in self.axes:
            place, point = columns[3 + axis], columns[axis]
            sign = torch.where(place < -NEAR, -1.0, 1.0).to(place)
            inside = place.abs() <= NEAR
            even = (point.square() + self.size[axis] ** 2).sqrt()
            columns[axis] = torch.where(inside, even, sign * point)
            if slopes:
                slopes[axis] = torch.where(inside, point / even, sign)[:, None] * slopes[axis]
            for other in range(3 + axis, len(columns), 3):
                columns[other] = sign * columns[other]
        return columns, slopes


class FoldPoints(nn.Module):
    """Points into the part where all mirrored coordinates are positive.

    Answers are handed back to the sensors at the mirror images. They may have a small step in a
    mirror: there two sensors change places, of which the network says only about the same.

    Args:
        detector: Its sensors must map on one another.
        axes: Of the mirrors.
    """

    image: Tensor

    def __init__(self, detector: Detector, axes: Sequence[int]) -> None:
        super().__init__()
        self.axes = list(axes)
        images = []
        for mirrored in product((False, True), repeat=len(self.axes)):
            matrix = np.eye(3)
            for axis, flip in zip(self.axes, mirrored, strict=True):
                matrix = mirror(axis) @ matrix if flip else matrix
            images.append(partners(detector, matrix))
        self.register_buffer("image", torch.from_numpy(np.stack(images)))

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, 3), folded."""
        columns = list(inputs.unbind(1))
        for axis in self.axes:
            columns[axis] = columns[axis].abs()
        return torch.stack(columns, 1)

    def back(self, answers: Tensor, inputs: Tensor) -> Tensor:
        """Answers (N, S) at folded points, to the sensors as seen from the points (N, 3)."""
        part = torch.zeros_like(inputs[:, 0], dtype=torch.long)
        for axis in self.axes:
            part = 2 * part + (inputs[:, axis] < 0).long()
        return answers.gather(1, self.image[part])

    def with_slope(self, inputs: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """Points (N, 3) and their derivative (N, 3, 3), folded."""
        signs = [torch.ones_like(column) for column in inputs.unbind(1)]
        for axis in self.axes:
            signs[axis] = torch.where(inputs[:, axis] < 0, -1.0, 1.0).to(inputs)
        return self(inputs), slope * torch.stack(signs, 1)[:, None]


def around(fold: FoldPoints | None, network: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Answers (N, S) of a network of points (N, 3), folded where there is something to fold."""
    return network(inputs) if fold is None else fold.back(network(fold(inputs)), inputs)


def around_with_slope(
    fold: FoldPoints | None,
    network: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    inputs: Tensor,
    slope: Tensor,
) -> tuple[Tensor, Tensor]:
    """As :func:`around`, for a network that answers with (N, S) and slopes (N, 3, S)."""
    if fold is None:
        return network(inputs, slope)
    answers, slopes = network(*fold.with_slope(inputs, slope))
    each = [fold.back(one, inputs) for one in slopes.unbind(1)]
    return fold.back(answers, inputs), torch.stack(each, 1)


def pair_folding(config: SurrogateConfig, facts: Mapping[str, Any]) -> FoldPairs | None:
    """For a network of pairs; none without symmetry.

    Raises:
        ConfigError: If the detector lacks one, or the network sees directions.
    """
    if not config.symmetry:
        return None
    detector = _checked(config, facts, of_pairs=True)
    half = (detector.volume.high - detector.volume.low) / 2
    return FoldPairs(config.symmetry, (detector.sensors.radius_cm / half).tolist())


def point_folding(config: SurrogateConfig, facts: Mapping[str, Any]) -> FoldPoints | None:
    """For a network with an output for each sensor; as :func:`pair_folding`."""
    if not config.symmetry:
        return None
    detector = _checked(config, facts, of_pairs=False)
    return FoldPoints(detector, [a for a, name in enumerate("xyz") if name in config.symmetry])


def _checked(config: SurrogateConfig, facts: Mapping[str, Any], *, of_pairs: bool) -> Detector:
    if config.direction:
        raise ConfigError(
            "directions of the light are not folded",
            where="model.symmetry",
            remedy="set model.direction = false, or model.symmetry = []",
        )
    detector = detector_of(facts)
    require_symmetry(detector, config.symmetry, facts, of_pairs=of_pairs)
    return detector


def _azimuth(columns: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the azimuth of the second vector, the sensor's place."""
    square = columns[3].square() + columns[4].square()
    radius = square.clamp_min(NEAR**2).sqrt()  # a root has no slope at 0
    away = square > NEAR**2
    cos = torch.where(away, columns[3] / radius, torch.ones_like(radius))
    return cos, torch.where(away, columns[4] / radius, torch.zeros_like(radius))


def _turned(columns: Sequence[Tensor], cos: Tensor, sin: Tensor) -> list[Tensor]:
    """Every vector turned about z by minus the azimuth."""
    turned = list(columns)
    for first in range(0, len(columns), 3):
        x, y = columns[first], columns[first + 1]
        turned[first], turned[first + 1] = cos * x + sin * y, cos * y - sin * x
    return turned
