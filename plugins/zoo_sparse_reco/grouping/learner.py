"""The loss of GrapPA: edges, and what nodes are."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.api import Batch, Context, Learner, Loss
from zoo_sparse_reco.grouping.config import (
    GrappaConfig,
    GrappaInteractionConfig,
    GrappaShowerConfig,
)
from zoo_sparse_reco.grouping.losses import in_pure_groups, momentum_loss, weighted_entropy
from zoo_sparse_reco.grouping.models.grappa import answers
from zoo_sparse_reco.grouping.partition import partition

__all__ = ["GrappaLearner"]


class GrappaLearner(Learner):
    """Each head's own mean; the loss is their weighted sum."""

    config: GrappaConfig

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """Terms ``edge``; ``primary``, ``pid``, ``momentum``, ``vertex`` if it has the head."""
        raw: dict[str, Tensor] = nets["net"](**batch.inputs)
        targets, counts = batch.targets, batch.targets["counts"]
        loss = Loss()

        def entropy(name: str, term_weight: float) -> None:
            total = weighted_entropy(raw[name], targets[name], targets[f"{name}_weight"])
            loss.add(name, total, counts[name], term_weight)

        entropy("edge", self.config.edge_weight)
        if isinstance(self.config, GrappaShowerConfig):
            self._add_primary(loss, raw, batch, self.config)
        if isinstance(self.config, GrappaInteractionConfig):
            if self.config.primaries:
                entropy("primary", self.config.primary_weight)
            if self.config.types:
                entropy("pid", self.config.type_weight)
            _add_numbers(loss, raw, batch, self.config)
        return loss

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        """As :func:`~zoo_sparse_reco.grouping.models.grappa.answers`."""
        return answers(nets["net"](**batch.inputs))

    def _add_primary(
        self, loss: Loss, raw: Mapping[str, Tensor], batch: Batch, config: GrappaShowerConfig
    ) -> None:
        """At all nodes, or at those of predicted groups that have exactly one primary."""
        targets = batch.targets
        weight = targets["primary_weight"]
        if config.use_group_pred:
            score = raw["edge"].detach().float().softmax(1)[:, 1]
            group = partition(
                len(weight),
                batch.inputs["edge_from"].cpu().numpy(),
                batch.inputs["edge_to"].cpu().numpy(),
                score.cpu().numpy(),
                threshold=config.threshold,
                rule=config.grouping,
            )
            true = (targets["primary"] == 1) & (weight > 0)
            pure = in_pure_groups(group, true.cpu().numpy())
            weight = weight * torch.from_numpy(pure).to(weight)
        total = weighted_entropy(raw["primary"], targets["primary"], weight)
        loss.add("primary", total, float(weight.sum()), config.primary_weight)


def _add_numbers(
    loss: Loss, raw: Mapping[str, Tensor], batch: Batch, config: GrappaInteractionConfig
) -> None:
    targets, counts = batch.targets, batch.targets["counts"]
    if config.momentum_loss:
        error = raw["momentum"][:, 0].float() - targets["momentum"]
        each = momentum_loss(error, config.momentum_loss, config.berhu)
        total = (each * targets["momentum_weight"]).sum()
        loss.add("momentum", total, counts["momentum"], config.momentum_weight)
    if config.vertices:
        square = (raw["vertex"].float() - targets["vertex"]).square()
        total = (square * targets["vertex_weight"][:, None]).sum()
        loss.add("vertex", total, counts["vertex"], config.vertex_weight)
