"""Losses of nodes: cross-entropy, and how errors of momenta and vertices count."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

__all__ = ["in_pure_groups", "momentum_loss", "weighted_entropy"]


def weighted_entropy(logits: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    """Sum of ``weight (-log p of the label)`` over rows: (n, classes), int64 (n,), (n,)."""
    entropy = functional.cross_entropy(logits.float(), label, reduction="none")
    return (entropy * weight).sum()


def momentum_loss(error: Tensor, kind: Literal["berhu", "log-cosh"], threshold: float) -> Tensor:
    """Of each error (n,).

    ``berhu`` is ``|x|`` up to the threshold c and ``(x^2 + c^2) / 2c`` above (Laina et al.,
    arXiv:1606.00373, where c is a fifth of the largest error of the batch; here it is a setting, so
    that the loss does not depend on how a batch is cut). ``log-cosh`` is ``log(cosh(x))``.
    """
    size = error.abs()
    if kind == "log-cosh":
        return size + functional.softplus(-2 * size) - float(np.log(2))
    return torch.where(size <= threshold, size, (size.square() + threshold**2) / (2 * threshold))


def in_pure_groups(group: NDArray[np.integer], primary: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the group (n,) of a node has exactly one primary node (n,)."""
    count = np.bincount(group, primary, minlength=1)
    found: NDArray[np.bool_] = count[group] == 1
    return found
