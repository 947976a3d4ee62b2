"""What the convolutions' own derivatives do not do."""

from __future__ import annotations

import torch

from zoo.api import PluginError

__all__ = ["refuse_second"]


def refuse_second() -> None:
    """To be called in every backward pass: its result has no derivative itself.

    Raises:
        PluginError: A derivative of it is asked for; it would be zero without a word.
    """
    if torch.is_grad_enabled():
        raise PluginError(
            "a sparse convolution is differentiable once",
            where="backward pass",
            remedy="use a loss without second derivatives, such as one without gradient penalty",
        )
