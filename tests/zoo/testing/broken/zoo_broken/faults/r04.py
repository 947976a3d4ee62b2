"""Noise in a prediction, from torch's own generator."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.api import Batch, Context
from zoo_broken.nets import PulseLearner


class RandomLearner(PulseLearner):
    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        position = super().predict(nets, batch, context)["position"]
        return {"position": position + 0.01 * torch.randn_like(position)}
