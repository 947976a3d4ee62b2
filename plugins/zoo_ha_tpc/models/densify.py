"""Hits as images, on the network's device: an event is 1.4 kB of hits, and 110 kB of images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Densify"]


class Densify(nn.Module):
    """Scatters hits into images; it has no parameters.

    Args:
        rows: Of the pad plane.
        columns: Of the pad plane.
        channels: Values of each hit.
    """

    def __init__(self, rows: int, columns: int, channels: int) -> None:
        super().__init__()
        self.rows, self.columns, self.channels = rows, columns, channels

    def forward(
        self, event: Tensor, row: Tensor, column: Tensor, values: Tensor, per_event: Tensor
    ) -> Tensor:
        """Images of a batch, 0 where no hit is.

        Args:
            event: int64 (H,), to which event of the batch a hit belongs.
            row: int64 (H,).
            column: int64 (H,).
            values: (H, channels); no two hits of an event are on one pad.
            per_event: (N, ...), anything with a row for each event: an event may have no hit.

        Returns:
            (N, channels, rows, columns), of the dtype of the values.
        """
        events = per_event.shape[0]
        pads = self.rows * self.columns
        first = event * (self.channels * pads) + row * self.columns + column
        channel = torch.arange(self.channels, device=event.device) * pads
        place = (first[:, None] + channel).reshape(-1)
        image = values.new_zeros(events * self.channels * pads)
        image = image.scatter(0, place, values.reshape(-1))
        return image.reshape(events, self.channels, self.rows, self.columns)
