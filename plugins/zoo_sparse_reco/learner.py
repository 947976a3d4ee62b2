"""The loss of the sparse networks: classes, ghosts, and what makes points."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.api import Batch, Context, Learner, Loss
from zoo_sparse_reco.config import PointLoss, UResNetConfig, UResNetPpnConfig
from zoo_sparse_reco.models.networks import answers

__all__ = ["SparseLearner", "dice_of_events"]

_LEAST = 1e-6  # of 1 - p, whose powers below 1 have no slope at 0


class SparseLearner(Learner):
    """Each head's own mean; the loss is their weighted sum.

    Classes are learnt at true voxels of known class, ghosts at all voxels of known class. Voxels
    count as their class does. Scores of points are learnt at all voxels of each level, the other
    heads of points only at voxels that are to propose one.
    """

    config: UResNetConfig

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """Terms ``semantic``; ``dice``, ``ghost``, those of points where the config has them."""
        raw: dict[str, Tensor] = nets["net"](**batch.inputs)
        targets, counts = batch.targets, batch.targets["counts"]
        loss = Loss()
        heads = {"semantic": self.config.semantic_weight}
        if self.config.ghosts:
            heads["ghost"] = self.config.ghost_weight
        for name, term_weight in heads.items():
            entropy = self._entropy(raw[name], targets[name])
            total = (entropy * targets[f"{name}_weight"]).sum()
            loss.add(name, total, counts[name], term_weight)
        if self.config.dice:
            lack = dice_of_events(
                raw["semantic"].float().softmax(1),
                targets["semantic"],
                targets["semantic_weight"] > 0,
                targets["lengths"],
            )
            loss.add("dice", lack.sum(), lack.numel(), self.config.dice)
        if isinstance(self.config, UResNetPpnConfig):
            _add_points(loss, raw, targets, self.config)
        return loss

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        """As :func:`~zoo_sparse_reco.models.networks.answers`."""
        return answers(nets["net"](**batch.inputs))

    def _entropy(self, logits: Tensor, label: Tensor) -> Tensor:
        """Cross-entropy of each voxel (V,), focal if wanted (Lin et al., arXiv:1708.02002)."""
        entropy = functional.cross_entropy(logits.float(), label, reduction="none")
        if self.config.focal:
            missing = (1 - (-entropy).exp()).clamp(min=_LEAST)
            entropy = missing**self.config.focal * entropy
        return entropy


def dice_of_events(probability: Tensor, label: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
    """One minus the smoothed Dice coefficient (Milletari et al., arXiv:1606.04797), (N, classes).

    ``1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1)`` over the known voxels of each event.

    Args:
        probability: (V, classes).
        label: int64 (V,), ignored where not known.
        known: bool (V,).
        lengths: int64 (N,), voxels of each event.
    """
    true = functional.one_hot(label, probability.shape[1]).to(probability.dtype)
    true, found = true * known[:, None], probability * known[:, None]
    both = _sums(found * true, lengths)
    either = _sums(found, lengths) + _sums(true, lengths)
    return 1 - (2 * both + 1) / (either + 1)


def _sums(values: Tensor, lengths: Tensor) -> Tensor:
    """(N, classes) of (V, classes): in a fixed order, also on a GPU."""
    return torch.segment_reduce(values, "sum", lengths=lengths, axis=0)


def _add_points(
    loss: Loss, raw: Mapping[str, Tensor], targets: Mapping[str, Tensor], config: UResNetPpnConfig
) -> None:
    """``score_S`` for each scale S, the voxels' size; ``type``, ``offset``, ``end``."""
    settings: PointLoss = config.points
    counts: Mapping[str, float] = targets["counts"]  # type: ignore[assignment]  # numbers pass through
    share = settings.score_weight / len(config.scored)
    for level in config.scored:
        name = f"point_score_{level}"
        weight = raw[name].new_tensor([1.0, settings.positive_weight], dtype=torch.float32)
        total = functional.cross_entropy(
            raw[name].float(), targets[name], weight=weight, reduction="sum"
        )
        loss.add(f"score_{2**level}", total, counts[name], share)
    anchor = targets["anchor"]
    types = functional.cross_entropy(raw["type"].float()[anchor], targets["type"], reduction="sum")
    loss.add("type", types, counts["type"], settings.type_weight)
    distance = raw["offset"].float()[anchor] - targets["offset"]
    loss.add("offset", distance.square().sum(), counts["offset"], settings.offset_weight)
    if config.ends:
        ends = functional.cross_entropy(
            raw["end"].float()[anchor], targets["end"], ignore_index=-1, reduction="sum"
        )
        loss.add("end", ends, counts["end"], settings.end_weight)
