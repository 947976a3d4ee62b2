"""Sine layers: initialisation of the paper, and a form that saves half of the memory.

Sitzmann et al., "Implicit neural representations with periodic activation functions"
(arXiv:2006.09661), section 3.2 and its published code: the first weights are even in +-1/inputs,
the others in +-sqrt(6/inputs)/omega_0.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["SineLayer", "siren_stack"]


class SineLayer(nn.Module):
    """``sin(omega_0 (W x + b))``, (..., inputs) to (..., outputs)."""

    def __init__(
        self, inputs: int, outputs: int, frequency: float, *, first: bool, recompute: bool
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.frequency, self.recompute = frequency, recompute
        bound = 1 / inputs if first else math.sqrt(6 / inputs) / frequency
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, values: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        jit: Any = torch.jit  # it has no types
        if jit.is_tracing() or torch.compiler.is_exporting():
            return torch.sin(self.frequency * self.linear(values))
        weight, bias = self.linear.weight, self.linear.bias
        if not torch.is_grad_enabled():  # the first pass of a chunk: nothing is kept
            return functional.linear(values, weight, bias).mul_(self.frequency).sin_()
        if not self.recompute:
            return torch.sin(self.frequency * self.linear(values))
        sine: Tensor = _Sine.apply(values, weight, bias, self.frequency)
        return sine


class _Sine(torch.autograd.Function):
    """Keeps the input of the layer, which the layer before keeps anyway, and not its argument.

    It can be differentiated again, and by ``torch.func`` (``vjp``, ``jacrev``, ``vmap``).
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(values: Tensor, weight: Tensor, bias: Tensor, frequency: float) -> Tensor:
        return functional.linear(values, weight, bias).mul_(frequency).sin_()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        *tensors, ctx.frequency = inputs
        ctx.save_for_backward(*tensors)
        ctx.autocast = _autocast(tensors[0])

    @staticmethod
    def backward(ctx: Any, outward: Tensor) -> tuple[Tensor | None, ...]:
        values, weight, bias = ctx.saved_tensors
        with torch.autocast(**ctx.autocast):
            product = functional.linear(values, weight, bias)
        if torch.is_grad_enabled():  # to be differentiated again: nothing in place
            slope = ctx.frequency * torch.cos(ctx.frequency * product) * outward
        else:
            slope = product.mul_(ctx.frequency).cos_().mul_(ctx.frequency).mul_(outward)
        flat, rows = slope.flatten(0, -2), values.flatten(0, -2).to(slope.dtype)
        inward = slope @ weight.to(slope.dtype) if ctx.needs_input_grad[0] else None
        inward = None if inward is None else inward.to(values.dtype)
        return inward, (flat.T @ rows).to(weight.dtype), flat.sum(0).to(bias.dtype), None


def siren_stack(
    inputs: int,
    hidden: int,
    layers: int,
    outputs: int,
    frequency: float,
    *,
    recompute: bool,
    start: float = 0.0,
) -> nn.Sequential:
    """A SIREN: a first sine layer, ``layers`` more, and a linear one.

    Args:
        inputs: Width of the input.
        hidden: Width of the sine layers.
        layers: Sine layers after the first.
        outputs: Width of the output.
        frequency: omega_0.
        recompute: See :class:`SineLayer`.
        start: What the network answers about everywhere before it is trained.
    """
    sines = [SineLayer(inputs, hidden, frequency, first=True, recompute=recompute)]
    sines += [
        SineLayer(hidden, hidden, frequency, first=False, recompute=recompute)
        for _ in range(layers)
    ]
    last = nn.Linear(hidden, outputs)
    bound = math.sqrt(6 / hidden) / frequency
    nn.init.uniform_(last.weight, -bound, bound)
    nn.init.constant_(last.bias, start)
    return nn.Sequential(*sines, last)


def _autocast(values: Tensor) -> dict[str, Any]:
    kind = values.device.type
    if not torch.amp.is_autocast_available(kind):  # the device meta: shapes alone
        return {"device_type": "cpu", "enabled": False}
    return {
        "device_type": kind,
        "dtype": torch.get_autocast_dtype(kind),
        "enabled": torch.is_autocast_enabled(kind),
    }
