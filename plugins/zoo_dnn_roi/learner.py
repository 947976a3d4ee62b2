"""The loss of ROI networks: cross-entropy, and Dice where the config wants it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from zoo.api import Batch, Context, Learner, Loss
from zoo_dnn_roi.config import RoiConfig

__all__ = ["RoiLearner"]


class RoiLearner(Learner):
    """Binary cross-entropy per pixel, plus ``dice`` times one minus the Dice coefficient.

    Dice (Milletari et al., arXiv:1606.04797) is taken plane by plane, 1 - (2 |PT| + 1) /
    (|P| + |T| + 1), so that its sum over planes is exact however they are batched.
    """

    config: RoiConfig

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """Terms ``bce`` per pixel and ``dice`` per plane, the latter recorded at weight zero."""
        logits: Tensor = nets["net"](**batch.inputs).float()
        mask: Tensor = batch.targets["mask"].to(logits.dtype)
        entropy = functional.binary_cross_entropy_with_logits(
            logits,
            mask,
            pos_weight=logits.new_tensor(self.config.positive_weight),
            reduction="sum",
        )
        loss = Loss().add("bce", entropy, mask.numel())
        return loss.add("dice", _dice(logits.sigmoid(), mask).sum(), len(mask), self.config.dice)

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        """``probability`` float32 (N, 1, wires, bins), like the deployed module."""
        return {"probability": nets["net"](**batch.inputs).float().sigmoid()}


def _dice(probability: Tensor, mask: Tensor) -> Tensor:
    """One minus the smoothed Dice coefficient of each plane, (N,)."""
    both = (probability * mask).flatten(1).sum(1)
    either = probability.flatten(1).sum(1) + mask.flatten(1).sum(1)
    return 1 - (2 * both + 1) / (either + 1)
