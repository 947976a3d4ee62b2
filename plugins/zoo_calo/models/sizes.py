"""Sizes of layers on any grid, so that the published grids have the published networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Axis", "Volume", "doubled", "halved", "shrunk", "widened"]


@dataclass(frozen=True)
class Axis:
    """What the layers of a network do along one axis.

    Attributes:
        start: Size before the first.
        sizes: Size after each.
        kernels: Of each.
        strides: Of each.
        paddings: Of each.
    """

    start: int
    sizes: tuple[int, ...]
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    paddings: tuple[int, ...]

    @property
    def end(self) -> int:
        """Size after the last."""
        return self.sizes[-1] if self.sizes else self.start


@dataclass(frozen=True)
class Volume:
    """What the layers of a network do along layers, x and y."""

    along: Axis
    x: Axis
    y: Axis

    @property
    def start(self) -> tuple[int, int, int]:
        """Size before the first layer."""
        return self.along.start, self.x.start, self.y.start

    @property
    def end(self) -> tuple[int, int, int]:
        """Size after the last layer."""
        return self.along.end, self.x.end, self.y.end

    def size(self, number: int) -> list[int]:
        """After layer ``number``."""
        return [self.along.sizes[number], self.x.sizes[number], self.y.sizes[number]]

    def kernel(self, number: int) -> tuple[int, int, int]:
        """Of layer ``number``."""
        return self.along.kernels[number], self.x.kernels[number], self.y.kernels[number]

    def stride(self, number: int) -> tuple[int, int, int]:
        """Of layer ``number``."""
        return self.along.strides[number], self.x.strides[number], self.y.strides[number]

    def padding(self, number: int) -> tuple[int, int, int]:
        """Of layer ``number``."""
        return self.along.paddings[number], self.x.paddings[number], self.y.paddings[number]


def doubled(size: int, times: int) -> Axis:
    """Transposed convolutions that double so many times, and end at a size.

    Each has stride 2, padding 1 and kernel 4, ``s -> 2 s``; or kernel 3, ``s -> 2 s - 1``, where
    the size it makes is odd.
    """
    sizes = [size]
    for _ in range(times):
        sizes.append(math.ceil(sizes[-1] / 2))
    start, *made = reversed(sizes)
    kernels = tuple(4 - one % 2 for one in made)
    return Axis(start, tuple(made), kernels, (2,) * times, (1,) * times)


def halved(size: int, kernels: Sequence[int], strides: Sequence[int], first_padding: int) -> Axis:
    """Convolutions that shrink; what would not fit is padded by one, or its kernel cut to the size.

    Args:
        size: Before the first.
        kernels: As published.
        strides: As published.
        first_padding: Of the first; others have 1 where the size is odd and their stride 2.
    """
    sizes, used, paddings, now = list[int](), list[int](), list[int](), size
    for number, (kernel, stride) in enumerate(zip(kernels, strides, strict=True)):
        odd = stride == 2 and now % 2 == 1 and now > 1
        padding = first_padding if number == 0 else int(odd)
        kernel = min(kernel, now + 2 * padding)  # noqa: PLW2901  # one that fits
        now = (now + 2 * padding - kernel) // stride + 1
        used.append(kernel)
        paddings.append(padding)
        sizes.append(now)
    return Axis(size, tuple(sizes), tuple(used), tuple(strides), tuple(paddings))


def shrunk(size: int, published: int, kernels: Sequence[int]) -> Axis:
    """Convolutions of stride 1 whose published kernels are scaled to the size: they sum alike."""
    scaled = tuple(max(1, round(kernel * size / published)) for kernel in kernels)
    sizes, now = list[int](), size
    for kernel in scaled:
        now -= kernel - 1
        sizes.append(now)
    return Axis(size, tuple(sizes), scaled, (1,) * len(scaled), (0,) * len(scaled))


def widened(start: Axis, gains: Sequence[int]) -> Axis:
    """A further transposed convolution of stride 1 and padding 1 for each gain in size."""
    sizes, now = list(start.sizes), start.end
    for gain in gains:
        now += gain
        sizes.append(now)
    more = len(gains)
    return Axis(
        start.start,
        tuple(sizes),
        (*start.kernels, *(gain + 3 for gain in gains)),
        (*start.strides, *(1,) * more),
        (*start.paddings, *(1,) * more),
    )
