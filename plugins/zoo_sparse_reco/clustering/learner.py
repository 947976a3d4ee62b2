"""The losses of the clustering networks over a batch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.api import Batch, Context, Learner, Loss
from zoo_sparse_reco.clustering.config import ClusterConfig, GraphSpiceConfig, SpiceConfig
from zoo_sparse_reco.clustering.losses import TERMS, log_dice, member_losses
from zoo_sparse_reco.clustering.networks import answers

__all__ = ["ClusterLearner"]


class ClusterLearner(Learner):
    """Of SPICE means over events and classes; of Graph-SPICE over edges, and over events."""

    config: ClusterConfig

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """Terms ``mask``, ``seed``, ``smoothing``, ``inter``, or ``dice`` and ``entropy``."""
        raw: dict[str, Tensor] = nets["net"](**batch.inputs)
        if isinstance(self.config, SpiceConfig):
            return _members(raw, batch.targets, self.config)
        assert isinstance(self.config, GraphSpiceConfig)
        return _edges(raw, batch.targets, self.config)

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        """As :func:`~zoo_sparse_reco.clustering.networks.answers`."""
        return answers(nets["net"](**batch.inputs))


def _members(raw: Mapping[str, Tensor], targets: Mapping[str, Tensor], config: SpiceConfig) -> Loss:
    groups: tuple[tuple[int, ...], ...] = targets["sizes"]  # type: ignore[assignment]  # passes through
    chosen = targets["chosen"]
    told = [raw[name][chosen].float() for name in ("embedding", "margin", "seed")]
    lengths = [sum(sizes) for sizes in groups]
    parts = zip(*(torch.split(one, lengths) for one in told), strict=True)
    zero = sum((one.sum() for one in told), start=told[0].sum()) * 0
    totals = dict.fromkeys(TERMS, zero)
    for sizes, (embedding, margin, seed) in zip(groups, parts, strict=True) if groups else ():
        found = member_losses(
            embedding,
            margin,
            seed,
            sizes,
            mask=config.mask,
            inter_distance=config.inter_distance,
        )
        totals = {name: totals[name] + found[name] for name in TERMS}
    loss = Loss()
    for name in TERMS:
        weight = getattr(config, f"{name}_weight")
        loss.add(name, totals[name], len(groups), weight, per="groups")
    return loss


def _edges(
    raw: Mapping[str, Tensor], targets: Mapping[str, Tensor], config: GraphSpiceConfig
) -> Loss:
    logits = raw["cut"].float().reshape(-1)[targets["edge"]]
    cut, lengths = targets["cut"], targets["lengths"]
    lack = log_dice(logits.sigmoid(), cut, lengths)
    entropy = functional.binary_cross_entropy_with_logits(logits, cut, reduction="sum")
    loss = Loss()
    events: int = targets["events"]  # type: ignore[assignment]  # passes through
    loss.add("dice", lack.sum(), events, config.dice_weight)
    loss.add("entropy", entropy, logits.numel(), config.entropy_weight)
    return loss
