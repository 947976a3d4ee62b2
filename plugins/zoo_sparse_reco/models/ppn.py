"""The point proposal network (Domine et al., arXiv:2006.14745), as SPINE builds it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zoo_sparse_reco.config import UResNetPpnConfig
from zoo_sparse_reco.models.blocks import Blocks, ResidualBlock, Up
from zoo_sparse_reco.models.uresnet import CLASSES, Features, finer_map, widths
from zoo_sparse_reco.sparse.maps import LevelMaps

__all__ = ["PointProposals"]


class PointProposals(nn.Module):
    """A second decoder that looks at the first one's features and scores voxels level by level.

    The probability of a point, without gradient, multiplies the features of a scored level before
    the next finer one sees them.
    """

    def __init__(self, config: UResNetPpnConfig) -> None:
        super().__init__()
        wide, momentum = widths(config), config.momentum
        steps = range(config.depth - 1)
        self.up = nn.ModuleList(Up(wide[level + 1], wide[level], momentum) for level in steps)
        self.decoder = nn.ModuleList(
            Blocks(2 * wide[level], wide[level], config.reps, momentum) for level in steps
        )
        self.scores = nn.ModuleDict(
            {str(level): nn.Linear(wide[level], 2) for level in config.scored}
        )
        self.last = ResidualBlock(wide[0], wide[0], momentum)
        self.offsets = nn.Linear(wide[0], 3)
        self.types = nn.Linear(wide[0], CLASSES)
        self.ends = nn.Linear(wide[0], 2) if config.ends else None

    def forward(self, features: Features, levels: Sequence[LevelMaps]) -> dict[str, Tensor]:
        """Raw answers.

        Returns:
            ``point_score_L`` (N_L, 2), logits of none and a point; ``offset`` (V, 3) from the
            middle of a voxel, in voxels; logits ``type`` (V, 5) and perhaps ``end`` (V, 2): of a
            start and an end.
        """
        answers: dict[str, Tensor] = {}
        values = features.deepest
        for level in reversed(range(len(self.up))):
            values = self.up[level](values, finer_map(levels, level))
            values = torch.cat([features.decoded[-1 - level], values], 1)
            values = self.decoder[level](values, levels[level].neighbours)
            if str(level) in self.scores:
                logits = self.scores[str(level)](values)
                answers[f"point_score_{level}"] = logits
                values = values * logits.softmax(1)[:, 1:].detach().to(values.dtype)
        values = self.last(values, levels[0].neighbours)
        answers |= {"offset": self.offsets(values), "type": self.types(values)}
        if self.ends is not None:
            answers["end"] = self.ends(values)
        return answers
