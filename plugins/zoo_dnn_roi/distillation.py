"""A trained network whose answers another learns, beside the truth (Hinton et al., 1503.02531)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.api import ConfigError, load
from zoo_dnn_roi.config import Distillation, RoiConfig

__all__ = ["Teacher", "divergence"]

_WHERE = "model.distill.teacher"
_SHARED = ("inputs", "rebin", "scale")
"""Settings that decide what an image is: the teacher sees those of its student."""


class Teacher:
    """A trained network of this task: in evaluation mode, and never trained.

    It is no module, so that no optimiser, checkpoint or export of its student contains it.

    Args:
        settings: Which.
        student: Config of the network that learns from it.

    Attributes:
        identity: ``model`` (its id), ``file`` (name) and ``sha256``.

    Raises:
        ConfigError: If it is no network of this task, or sees other images than its student.
        UsageError, WeightsError: As :func:`zoo.load`.
    """

    def __init__(self, settings: Distillation, student: RoiConfig) -> None:
        found: Any = load(settings.teacher)  # a predictor of any kind
        config = getattr(getattr(found, "codec", None), "config", None)
        nets: Mapping[str, nn.Module] = getattr(found, "networks", {})
        if not nets or not isinstance(config, RoiConfig):
            raise ConfigError(
                f"{settings.teacher} is no trained network of dnn-roi",
                where=_WHERE,
                remedy="name a run, RUN@step or model file of `zoo train dnn-roi/...`",
            )
        for name in _SHARED:
            theirs, ours = getattr(config, name), getattr(student, name)
            if theirs != ours:
                raise ConfigError(
                    f"{settings.teacher} was trained with {name} = {_plain(theirs)}, not with "
                    f"{_plain(ours)}: it would see other images than it knows",
                    where=_WHERE,
                    remedy=f"set model.{name} as the teacher has it, or take another teacher",
                )
        self._net = nets["net"].eval().requires_grad_(False)
        self.identity: Mapping[str, str] = {
            "model": found.model,
            "file": found.info["file"],
            "sha256": found.info["sha256"],
        }

    @torch.no_grad()
    def logits(self, inputs: Mapping[str, Any]) -> Tensor:
        """Its float32 (N, 1, wires, bins) for the inputs of the student, on their device."""
        device = next(value.device for value in inputs.values())
        answer: Tensor = self._net.to(device)(**inputs)
        return answer.float()


def divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """What the student's probabilities lack to the teacher's, summed over all pixels.

    The Kullback-Leibler divergence of the two answers "inside" and "outside" at logits over a
    temperature, times its square, so that gradients keep their size. Zero where both agree.

    Args:
        student: Logits.
        teacher: Logits of the same shape.
        temperature: Above one, small differences among sure answers count more.
    """
    wanted = (teacher / temperature).sigmoid()

    def entropy(logits: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(
            logits / temperature, wanted, reduction="none"
        )

    # Pixel by pixel: the difference of two large sums would be rounding where both agree.
    return (entropy(student) - entropy(teacher)).sum() * temperature**2


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
