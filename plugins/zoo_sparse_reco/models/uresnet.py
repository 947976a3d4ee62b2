"""U-ResNet on sparse voxels (Domine and Terao, arXiv:1903.05663), with the sizes that SPINE has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zoo_sparse_reco.config import BackboneConfig, UResNetConfig
from zoo_sparse_reco.models.blocks import Activation, Blocks, Down, Up
from zoo_sparse_reco.sparse.convolution import SubmanifoldConv
from zoo_sparse_reco.sparse.maps import LevelMaps, NeighbourMap, UpMap

__all__ = ["ClassHeads", "Decoder", "Features", "UResNet", "finer_map", "widths"]

CLASSES = 5


@dataclass(frozen=True)
class Features:
    """What the backbone makes of the voxels.

    Attributes:
        deepest: (N, channels) of the coarsest level.
        decoded: Features of the other levels, from coarse to fine, each (N_l, channels).
        encoded: What the encoder made of all levels, from fine to coarse, each (N_l, channels).
    """

    deepest: Tensor
    decoded: tuple[Tensor, ...]
    encoded: tuple[Tensor, ...] = ()

    @property
    def finest(self) -> Tensor:
        """(V, filters)."""
        return self.decoded[-1] if self.decoded else self.deepest


def widths(config: BackboneConfig) -> tuple[int, ...]:
    """Features of a voxel on each level, the finest first."""
    return tuple(config.filters * (level + 1) for level in range(config.depth))


def finer_map(levels: Sequence[LevelMaps], level: int) -> UpMap:
    """The map that leads up to a level."""
    found = levels[level].up
    assert found is not None  # every level but the coarsest has one
    return found


class UResNet(nn.Module):
    """Encoder and decoder with skip connections; all convolutions without bias.

    Args:
        config: ``filters``, ``depth``, ``reps``, ``input_kernel``, ``momentum``.
        columns: Input features of a voxel.
    """

    def __init__(self, config: BackboneConfig, columns: int) -> None:
        super().__init__()
        wide, momentum = widths(config), config.momentum
        steps = range(config.depth - 1)
        self.first = SubmanifoldConv(columns, wide[0], kernel=config.input_kernel)
        self.encoder = nn.ModuleList(Blocks(w, w, config.reps, momentum) for w in wide)
        self.down = nn.ModuleList(Down(wide[level], wide[level + 1], momentum) for level in steps)
        self.up = nn.ModuleList(Up(wide[level + 1], wide[level], momentum) for level in steps)
        self.decoder = nn.ModuleList(
            Blocks(2 * wide[level], wide[level], config.reps, momentum) for level in steps
        )

    def forward(
        self,
        values: Tensor,
        first: NeighbourMap,
        levels: Sequence[LevelMaps],
        tokens: Tensor | None = None,
    ) -> Features:
        """Features of all levels.

        Args:
            values: (V, columns).
            first: What the first convolution sees.
            levels: Maps, the finest level first.
            tokens: (V, filters), added to what the first convolution makes; ``None``: nothing is.
        """
        values = self.first(values, first)
        if tokens is not None:
            values = values + tokens
        kept: list[Tensor] = []
        for level, blocks in enumerate(self.encoder):
            if level:
                values = self.down[level - 1](values, levels[level - 1].down)
            values = blocks(values, levels[level].neighbours)
            kept.append(values)
        decoded = _decoded(kept, self.up, self.decoder, levels)
        return Features(values, decoded, tuple(kept))


class Decoder(nn.Module):
    """One more decoder of what the encoder of a :class:`UResNet` made.

    Args:
        config: That of the network.
    """

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        wide, momentum = widths(config), config.momentum
        steps = range(config.depth - 1)
        self.up = nn.ModuleList(Up(wide[level + 1], wide[level], momentum) for level in steps)
        self.decoder = nn.ModuleList(
            Blocks(2 * wide[level], wide[level], config.reps, momentum) for level in steps
        )

    def forward(self, encoded: Sequence[Tensor], levels: Sequence[LevelMaps]) -> Tensor:
        """Features of the finest level (V, filters), of those of all levels, the finest first."""
        decoded = _decoded(encoded, self.up, self.decoder, levels)
        return decoded[-1] if decoded else encoded[0]


def _decoded(
    encoded: Sequence[Tensor],
    up: nn.ModuleList,
    blocks: nn.ModuleList,
    levels: Sequence[LevelMaps],
) -> tuple[Tensor, ...]:
    """Features of all levels but the coarsest, from coarse to fine."""
    values, decoded = encoded[-1], []
    for level in reversed(range(len(up))):
        values = up[level](values, finer_map(levels, level))
        values = torch.cat([encoded[level], values], 1)
        values = blocks[level](values, levels[level].neighbours)
        decoded.append(values)
    return tuple(decoded)


class ClassHeads(nn.Module):
    """Logits of the classes (V, 5) and perhaps of ghosts (V, 2): true, ghost."""

    def __init__(self, config: UResNetConfig) -> None:
        super().__init__()
        self.active = Activation(config.filters, config.momentum)
        self.semantic = nn.Linear(config.filters, CLASSES)
        self.ghost = nn.Linear(config.filters, 2) if config.ghosts else None

    def forward(self, finest: Tensor) -> dict[str, Tensor]:
        """``semantic`` (V, 5), perhaps ``ghost`` (V, 2), of features (V, filters)."""
        active = self.active(finest)
        logits = {"semantic": self.semantic(active)}
        if self.ghost is not None:
            logits["ghost"] = self.ghost(active)
        return logits
