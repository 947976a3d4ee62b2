"""Hits to images with coordinates, on the device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from zoo_ha_tpc.models.densify import Densify
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["PadImages"]


class PadImages(nn.Module):
    """Flat hits of a batch to dense images, which may tell where pads lie.

    Args:
        plane: Its pads.
        channels: Values of a hit, C.
        coordinates: Whether two more channels tell where each pad with a hit lies, z and y from -1
            to 1, zero where there is none.
    """

    middle: Tensor

    def __init__(self, plane: PadPlane, channels: int, *, coordinates: bool) -> None:
        super().__init__()
        rows, columns = plane.shape
        self.densify = Densify(rows, columns, channels)
        self.coordinates = coordinates
        places = [2 * plane.z_mm / plane.z.length_mm - 1, 2 * plane.y_mm / plane.y.length_mm]
        z, y = (torch.from_numpy(np.asarray(one, np.float32)) for one in places)
        grid = torch.stack([z.expand(rows, -1), y[:, None].expand(-1, columns)])
        self.register_buffer("middle", grid.contiguous(), persistent=False)

    def forward(
        self, hits: Tensor, event: Tensor, row: Tensor, column: Tensor, values: Tensor
    ) -> Tensor:
        """Images, zero where there is no hit.

        Args:
            hits: Of each event, int64 (N,); only its length is read.
            event: Event of each hit, int64 (H,).
            row: Its row, int64 (H,); no two hits of an event are on one pad.
            column: Its column, int64 (H,).
            values: float32 (H, C).

        Returns:
            float32 (N, C, rows, columns), with coordinates (N, C + 2, rows, columns).
        """
        image: Tensor = self.densify(event, row, column, values, hits)
        if not self.coordinates:
            return image
        seen = (image != 0).any(1, keepdim=True).to(image.dtype)
        return torch.cat([image, self.middle.to(image.dtype) * seen], 1)
