"""Forward-mode derivatives: every layer carries its values and their slopes by the position.

``J_next = omega cos(omega (W x + b)) W J`` for a sine layer, the chain rule in the order of the
layers (Griewank and Walther, "Evaluating Derivatives", 2nd ed., chapter 3). They are plain layers,
so that a file of any format can hold them. A slope is (R, 3, K): by x, y and z of each of K values.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.api import PluginError
from zoo_optics.models.siren import SineLayer

__all__ = ["direct_shape_slope", "log_direct_slope", "stack_with_slope"]


def stack_with_slope(stack: nn.Sequential, values: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    """Values (R, K) and slopes (R, 3, K) through layers.

    Raises:
        PluginError: If a layer's derivative is not known here.
    """
    for layer in stack:
        values, slope = _step(layer, values, slope)
    return values, slope


def _step(layer: nn.Module, values: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    if isinstance(layer, nn.Linear):
        return layer(values), functional.linear(slope, layer.weight)
    if isinstance(layer, SineLayer):
        argument = layer.frequency * layer.linear(values)
        turned = functional.linear(slope, layer.linear.weight)
        return argument.sin(), (layer.frequency * argument.cos())[:, None] * turned
    if isinstance(layer, nn.SiLU):
        gate = values.sigmoid()
        return values * gate, (gate * (1 + values * (1 - gate)))[:, None] * slope
    if isinstance(layer, nn.ReLU):
        return layer(values), torch.where((values > 0)[:, None], slope, 0.0)
    raise PluginError(
        f"the derivative of {type(layer).__name__} is not known",
        where="optics: the gradient of an exported file",
        remedy="export with --set model.gradient=false",
    )


def direct_shape_slope(
    way: Tensor, turn: Tensor, normal: Tensor, radius_cm: float
) -> tuple[Tensor, Tensor]:
    """Slopes of distance and cosine, each (R, 3).

    Args:
        way: (R, 3), from points to sensors, cm.
        turn: (R, 3, 3), its slope: ``turn[r, i, j]`` is that of component j by coordinate i.
        normal: (R, 3), of the sensors.
        radius_cm: Least distance: within it, nothing depends on the distance.
    """
    length = way.norm(dim=1)
    distance = length.clamp_min(radius_cm)
    farther = (turn * way[:, None]).sum(2) / distance[:, None]
    farther = torch.where((length >= radius_cm)[:, None], farther, 0.0)
    cosine = -(way * normal).sum(1) / distance
    facing = -(turn * normal[:, None]).sum(2) - cosine[:, None] * farther
    return farther, facing / distance[:, None]


def log_direct_slope(
    distance: Tensor,
    cosine: Tensor,
    farther: Tensor,
    facing: Tensor,
    *,
    radius_cm: float,
    length_cm: Tensor,
    sharpness: float,
    least: float,
) -> Tensor:
    """Slope (R, 3) of ``log share + log softened cosine - distance / length``.

    With ``s = sqrt(1 - (radius / d)^2)``, ``d log((1 - s) / 2) / dd = -(1 + s) / (s d)``, and
    ``d log softplus = sigmoid / softplus``; both are zero where the network cuts.

    Args:
        distance: (R,), cm.
        cosine: (R,).
        farther: (R, 3), slope of the distance.
        facing: (R, 3), slope of the cosine.
        radius_cm: Of a sensor.
        length_cm: Attenuation length.
        sharpness: Of the softened cosine.
        least: Its smallest value.
    """
    ratio = (radius_cm / distance).square()
    root = (1 - ratio.clamp_max(0.999)).sqrt()
    share = torch.where(ratio <= 0.999, (1 + root) / (root * distance), 0.0)
    soft = functional.softplus(cosine, beta=sharpness)
    turn = torch.where(soft >= least, (sharpness * cosine).sigmoid() / soft, 0.0)
    return turn[:, None] * facing - (share + 1 / length_cm)[:, None] * farther
