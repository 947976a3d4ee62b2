"""The loss of ROI networks: cross-entropy; Dice and a teacher where the config wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from zoo.api import Batch, Context, Learner, Loss
from zoo_dnn_roi.config import RoiConfig
from zoo_dnn_roi.distillation import Teacher, divergence

__all__ = ["RoiLearner"]


class RoiLearner(Learner):
    """Binary cross-entropy per pixel, plus ``dice`` times one minus the Dice coefficient.

    Dice (Milletari et al., arXiv:1606.04797) is taken plane by plane, 1 - (2 |PT| + 1) /
    (|P| + |T| + 1), so that its sum over planes is exact however they are batched.

    With ``distill``, the divergence from a teacher's answers to the same images comes on top. The
    teacher is opened when a training begins, never to predict.
    """

    config: RoiConfig

    def __init__(self, config: RoiConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self._opened: Teacher | None = None

    def upstream(self) -> Sequence[Mapping[str, str]]:
        """The teacher, if there is one.

        Raises:
            ConfigError: If it cannot teach this student.
            UsageError, WeightsError: If it cannot be loaded.
        """
        teacher = self._teacher()
        return () if teacher is None else (teacher.identity,)

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """Terms ``bce`` per pixel and ``dice`` per plane, the latter recorded at weight zero.

        With a teacher also ``distill``, per pixel.
        """
        logits: Tensor = nets["net"](**batch.inputs).float()
        mask: Tensor = batch.targets["mask"].to(logits.dtype)
        entropy = functional.binary_cross_entropy_with_logits(
            logits,
            mask,
            pos_weight=logits.new_tensor(self.config.positive_weight),
            reduction="sum",
        )
        loss = Loss().add("bce", entropy, mask.numel())
        loss.add("dice", _dice(logits.sigmoid(), mask).sum(), len(mask), self.config.dice)
        settings, teacher = self.config.distill, self._teacher()
        if settings is None or teacher is None:
            return loss
        lack = divergence(logits, teacher.logits(batch.inputs), settings.temperature)
        return loss.add("distill", lack, mask.numel(), settings.weight, per="bce")

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        """``probability`` float32 (N, 1, wires, bins), like the deployed module."""
        return {"probability": nets["net"](**batch.inputs).float().sigmoid()}

    def _teacher(self) -> Teacher | None:
        if self._opened is None and self.config.distill is not None:
            self._opened = Teacher(self.config.distill, self.config)
        return self._opened


def _dice(probability: Tensor, mask: Tensor) -> Tensor:
    """One minus the smoothed Dice coefficient of each plane, (N,)."""
    both = (probability * mask).flatten(1).sum(1)
    either = probability.flatten(1).sum(1) + mask.flatten(1).sum(1)
    return 1 - (2 * both + 1) / (either + 1)
