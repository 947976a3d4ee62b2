"""The loss of what is hidden: energies, and whether there is a voxel."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.api import Batch, Context, Learner, Loss
from zoo_sparse_reco.masking.config import MaskedUResNetConfig

__all__ = ["MaskedLearner"]


class MaskedLearner(Learner):
    """Squared error of logarithms of hidden energies, cross-entropy of hidden places."""

    config: MaskedUResNetConfig

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """Terms ``energy``, its mean over hidden voxels, and ``occupancy``, over hidden places."""
        raw: dict[str, Tensor] = nets["net"](**batch.inputs)
        targets = batch.targets
        counts: Mapping[str, float] = targets["counts"]
        error = (raw["log_energy"].float() - targets["log_energy"]).square()
        entropy = functional.binary_cross_entropy_with_logits(
            raw["occupancy"].float(), targets["occupied"], reduction="none"
        )
        loss = Loss()
        total = (error * targets["has_energy"]).sum()
        loss.add("energy", total, counts["energy"], self.config.energy_weight)
        total = (entropy * targets["is_place"]).sum()
        loss.add("occupancy", total, counts["occupancy"], self.config.occupancy_weight)
        return loss

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        """Answers at all places, with where they are: see ``MaskedCodec.decode``."""
        raw = nets["net"](**batch.inputs)
        return {
            "log_energy": raw["log_energy"].float(),
            "occupancy": torch.sigmoid(raw["occupancy"].float()),
            "kind": batch.inputs["kind"],
            **{name: batch.targets[name] for name in ("place", "event", "lengths")},
        }
