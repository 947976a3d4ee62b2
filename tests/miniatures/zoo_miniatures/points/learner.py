"""The loss of mini-points."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from zoo.api import Batch, Context, Learner, Loss

__all__ = ["TwoHeads"]


class TwoHeads(Learner):
    """Semantics over all voxels, vertex votes over the voxels near to it: two denominators."""

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        logits, votes = nets["net"](**batch.inputs)
        label, offset = batch.targets["label"], batch.targets["offset"]
        near = offset.norm(dim=1) < self.config.reach
        semantic = binary_cross_entropy_with_logits(logits, label, reduction="sum")
        nearness = binary_cross_entropy_with_logits(votes[:, 3], near.float(), reduction="sum")
        distance = ((votes[:, :3] - offset)[near] ** 2).sum()
        return (
            Loss()
            .add("semantic", semantic, len(label), per="voxels")
            .add("nearness", nearness, len(label), per="voxels")
            .add("vertex", distance, float(near.sum()), self.config.vertex_weight)
        )
