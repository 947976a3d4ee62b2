"""The finest level of a U-Net worked on in parts, so that less memory is held at once.

Most of a U-Net's memory is its finest level, and there a wire depends on few others: a kernel of
three wires reaches one. So this level alone is cut along the wires, each part is given with its
neighbours (a halo), and the halo of the answer is thrown away: the same answer, at next to no
cost. The deeper levels, which reach far and hold little, see the whole plane. Cuts lie on the next
coarser grid, or strides would shift. Wire-Cell's ``nchunks`` cuts the plane without a halo and
leaves seams.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zoo.api import UsageError

__all__ = ["Map", "Tileable", "in_parts"]

_HALO = 1  # rows of the coarser grid


class Tileable(nn.Module):
    """A network that can work on its finest level in parts.

    Attributes:
        tiles: How many parts of the wires. For inference: in training each part would be
            normalised by itself.
    """

    tiles: int = 1


@dataclass(frozen=True)
class Map:
    """An image of features.

    Attributes:
        values: (N, C, rows, columns).
        scale: Its rows per row of the coarser grid on which it is cut.
    """

    values: Tensor
    scale: int


def in_parts(
    function: Callable[..., Tensor], maps: Sequence[Map], parts: int, *, scale: int
) -> Tensor:
    """``function(*maps)``, computed for one part of the rows after another.

    Args:
        function: Maps -> a map. A row of its answer may depend on rows of the maps that are at
            most one row of the coarser grid away.
        maps: What it works on; all of the same height on the coarser grid, rounded up.
        parts: How many.
        scale: Rows of its answer per row of the coarser grid.

    Raises:
        UsageError: Under ``torch.export``, if there are several parts.
    """
    if parts == 1:
        return function(*(one.values for one in maps))
    if torch.compiler.is_exporting():
        raise UsageError(
            "tiles are for TorchScript: torch.export would fix how many wires there are",
            where="model.tiles",
            remedy="export with --format ts, or with --set model.tiles=1",
        )
    rows = -(-maps[0].values.shape[2] // maps[0].scale)
    answers = []
    for part in range(parts):
        first, last = rows * part // parts, rows * (part + 1) // parts
        start = _not_negative(first - _HALO)
        # Beyond the last row a slice ends by itself.
        cut = [one.values[:, :, start * one.scale : (last + _HALO) * one.scale] for one in maps]
        answers.append(function(*cut)[:, :, (first - start) * scale : (last - start) * scale])
    return torch.cat(answers, dim=2)


def _not_negative(value: int) -> int:
    """max(value, 0), in operations that a tracer records: it sees a size as a tensor."""
    return (value + abs(value)) // 2
