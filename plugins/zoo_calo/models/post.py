"""The post-processor of Getting High (arXiv:2005.05334): the energy of each cell is mapped anew."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo_calo.config import CaloConfig, PostProcessor

__all__ = ["CellProcessor", "post_processor"]

_SLOPE = 0.01
_LAYERS = 3  # normalised ones after the first


class CellProcessor(nn.Module):
    """Convolutions of single cells, told the shower's conditions and the sum of its cells.

    As published, but for a ReLU at the end: an energy is not negative.

    Args:
        config: Width.
        conditions: Numbers that a shower is made for.
        shape: Cells of a shower, (layers, x, y).
    """

    def __init__(self, config: PostProcessor, conditions: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        width, half = config.width, max(config.width // 2, 1)
        self.about = nn.Sequential(
            nn.Linear(1 + conditions, half),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(half, half),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(half, half),
            nn.LeakyReLU(_SLOPE),
        )
        self.first = _normalised(1, width, shape)
        self.body = nn.Sequential(
            *(
                _normalised(width + half if number == 0 else width, width, shape)
                for number in range(_LAYERS)
            ),
            nn.Conv3d(width, width, 1),
            nn.LeakyReLU(_SLOPE),
            nn.Conv3d(width, 1, 1, bias=False),
        )

    def forward(self, cells: Tensor, conditions: Tensor) -> Tensor:
        """float32 (N, layers, x, y), 0 and more, of ``cells`` of that shape, conditions (N, C)."""
        seen = cells.flatten(1).sum(1, keepdim=True)
        about = self.about(torch.cat([seen, conditions], 1))[:, :, None, None, None]
        first = self.first(cells[:, None])
        whole = torch.cat([first, about.expand(-1, -1, *cells.shape[1:])], 1)
        processed: Tensor = self.body(whole).squeeze(1).relu()
        return processed


def post_processor(config: CaloConfig, shape: tuple[int, int, int]) -> dict[str, nn.Module]:
    """``post``, where it is wanted."""
    if config.post.begin is None:
        return {}
    return {"post": CellProcessor(config.post, config.conditions, shape)}


def _normalised(before: int, after: int, shape: tuple[int, int, int]) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(before, after, 1), nn.LayerNorm(list(shape)), nn.LeakyReLU(_SLOPE)
    )
