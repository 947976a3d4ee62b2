"""What the numbers of a network's last layer mean, for each loss.

A network gives K numbers for each of T targets, in units of a scale about a start: for networks on
images 1 and 0 in standard units, for corrections of a fit its error and its estimate.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from zoo_ha_tpc.config import Loss

__all__ = ["QUANTILES", "answers", "log_variance", "numbers_of", "widths"]

QUANTILES = (0.158655, 0.5, 0.841345)
"""Of a Gaussian at -1, 0 and +1 standard deviations."""

_NUMBERS: Mapping[Loss, int] = {
    "mse": 1,
    "huber": 1,
    "gaussian-nll": 2,
    "student-nll": 2,
    "quantile": 3,
}


def numbers_of(loss: Loss) -> int:
    """K: the value; and log variance; or log distances of the lower and the upper quantile."""
    return _NUMBERS[loss]


def log_variance(raw: Tensor) -> Tensor:
    """(N, T) of raw (N, T, 2), kept from -8 to 4: e^-4 to e^2 of the scale."""
    return raw[..., 1].clamp(-8, 4)


def widths(raw: Tensor) -> Tensor:
    """Distances of the outer quantiles from the median, (N, T, 2) of raw (N, T, 3); positive."""
    return raw[..., 1:].clamp(-6, 3).exp()


def answers(raw: Tensor, loss: Loss, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values and, where they are learnt, errors, in standard units of each target.

    Args:
        raw: float32 (N, T, K).
        loss: What they were trained with.
        inputs: Of the network: ``start`` and ``scale`` (N, T) if it corrects a fit.

    Returns:
        ``value`` and perhaps ``error``, float32 (N, T).
    """
    value = raw[..., 0]
    found = {"value": value}
    if loss in ("gaussian-nll", "student-nll"):
        found["error"] = (log_variance(raw) / 2).exp()
    elif loss == "quantile":
        found["error"] = widths(raw).mean(-1)
    if "start" not in inputs:
        return found
    start, scale = inputs["start"], inputs["scale"]
    found = {name: scale * numbers for name, numbers in found.items()}
    return {**found, "value": start + found["value"]}
