"""Bounded memory for a row-wise function inside any loss, coupled or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zoo.errors import PluginError

__all__ = ["ChunkSize", "chunk_size", "chunked"]

RowFunction = Callable[[Tensor], Tensor]


@dataclass
class ChunkSize:
    """What :func:`chunked` does where it is given no chunk.

    Attributes:
        chunk: Rows at a time; ``None``: all.
        rows: The most rows that it was given so.
    """

    chunk: int | None = None
    rows: int = 0


_size = ChunkSize()


@contextmanager
def chunk_size(chunk: int | None) -> Iterator[ChunkSize]:
    """Set the engine's chunk inside the block."""
    global _size  # noqa: PLW0603  # one per process, as autocast
    before, _size = _size, ChunkSize(chunk)
    try:
        yield _size
    finally:
        _size = before


def chunked(
    function: RowFunction, module: nn.Module, rows: Tensor, chunk: int | None = None
) -> Tensor:
    """``function(rows)`` with the activations of at most ``chunk`` rows in memory at a time.

    Two passes: the forward keeps no graph; the backward computes each chunk again and
    differentiates it. So a loss that couples all rows (a softmax over the PMTs of an event) trains
    with the memory of one chunk, for about a third more arithmetic.

    Args:
        function: Row-wise: ``(n, ...)`` to ``(n, ...)``, row ``i`` of the result from row ``i``
            alone, the same at every call.
        module: Holds every parameter that ``function`` uses.
        rows: ``(N, ...)``; may require a gradient itself.
        chunk: Rows at a time, at least one; ``None``: what ``engine.chunk`` says or
            ``--max-memory`` chose, and without these all rows in one pass.

    Returns:
        ``(N, ...)``, differentiable once, with respect to the parameters and to ``rows``.

    Raises:
        PluginError: If the module has active batch normalisation or dropout, if ``function``
            draws random numbers or uses parameters outside of ``module``, or (in the backward)
            on ``create_graph=True``.
    """
    if chunk is None:
        chunk, _size.rows = _size.chunk, max(_size.rows, len(rows))
    if chunk is None:
        return function(rows)
    if chunk < 1:
        raise PluginError(f"chunk is {chunk}, it must be at least 1", where="zoo.api.chunked")
    _refuse_coupling(module)
    parameters = tuple(p for p in module.parameters() if p.requires_grad)
    result: Tensor = _Chunked.apply(function, rows, chunk, *parameters)
    return result


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # torch gives the context no public type
        function: RowFunction,
        rows: Tensor,
        chunk: int,
        *parameters: Tensor,
    ) -> Tensor:
        ctx.function, ctx.chunk, ctx.parameters = function, chunk, parameters
        ctx.autocast = _autocast_state(rows.device.type)
        ctx.save_for_backward(rows, *parameters)  # torch then notices a change in place
        before = _random_state(rows.device)
        with _autocast(ctx.autocast):
            result = _join((function(part) for part in torch.split(rows, chunk)), len(rows))
        if not torch.equal(before, _random_state(rows.device)):
            raise PluginError(
                "the function draws random numbers, which the second pass would draw anew",
                where="zoo.api.chunked",
                remedy="draw them before, and pass them as part of the rows",
            )
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # as above
        if torch.is_grad_enabled():
            raise PluginError(
                "its result cannot be differentiated twice (create_graph=True)",
                where="zoo.api.chunked",
                remedy="compute the penalised part without `chunked`",
            )
        rows, parameters = ctx.saved_tensors[0], list(ctx.parameters)
        wants_rows = ctx.needs_input_grad[1]
        sums = [torch.zeros_like(parameter) for parameter in parameters]
        row_gradient = torch.empty_like(rows) if wants_rows else None
        done = 0
        pieces = zip(
            torch.split(rows, ctx.chunk), torch.split(gradients[0], ctx.chunk), strict=True
        )
        for part, gradient in pieces:
            leaf = part.detach().requires_grad_(wants_rows)
            with torch.enable_grad(), _autocast(ctx.autocast):
                output = ctx.function(leaf)
            wanted = [leaf, *parameters] if wants_rows else parameters
            if done == 0:
                _refuse_strangers(output, wanted)
            found = _gradients(output, wanted, gradient)
            if row_gradient is not None:
                row_gradient[done : done + len(part)] = found.pop(0)
            for total, value in zip(sums, found, strict=True):
                total.add_(value)
            done += len(part)
        return None, row_gradient, None, *sums


def _gradients(output: Tensor, wanted: list[Tensor], gradient: Tensor) -> list[Tensor]:
    if not (wanted and output.requires_grad):
        return [torch.zeros_like(tensor) for tensor in wanted]
    # Equal to the last bit to a gradient for the output, which torch would compare by symbolic
    # shapes: their import takes half a second and 35 MB, in the middle of the first update.
    with torch.enable_grad():
        weighted = (output * gradient).sum()
    found = torch.autograd.grad(weighted, wanted, allow_unused=True, materialize_grads=True)
    return list(found)


def _join(parts: Iterator[Tensor], count: int) -> Tensor:
    """Concatenate without holding the parts and the whole at the same time."""
    first = next(parts)
    whole = first.new_empty((count, *first.shape[1:]))
    whole[: len(first)] = first
    done = len(first)
    for part in parts:
        whole[done : done + len(part)] = part
        done += len(part)
    return whole


def _refuse_coupling(module: nn.Module) -> None:
    for name, part in module.named_modules():
        if not part.training:
            continue
        normalises = isinstance(part, nn.modules.batchnorm._BatchNorm)  # noqa: SLF001  # the one common base
        dropout = isinstance(part, nn.modules.dropout._DropoutNd) and part.p > 0  # noqa: SLF001  # as above
        if normalises or dropout:
            why = "couples the rows of a chunk" if normalises else "differs in the second pass"
            raise PluginError(
                f"{type(part).__name__} {why}",
                where=f"zoo.api.chunked, module '{name}'",
                remedy="take it out of the chunked part, or put it in eval mode",
            )


def _refuse_strangers(output: Tensor, known: list[Tensor]) -> None:
    """A parameter that the function uses but the module does not hold would get no gradient."""
    ids = {id(tensor) for tensor in known}
    todo, seen = [output.grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if leaf is not None and id(leaf) not in ids:
            raise PluginError(
                f"the function uses a parameter of shape {tuple(leaf.shape)} that the module"
                " does not hold, so it would get no gradient",
                where="zoo.api.chunked",
                remedy="pass the module that holds all parameters of the function",
            )
        todo.extend(following for following, _ in node.next_functions)


def _random_state(device: torch.device) -> Tensor:
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.get_rng_state()


def _autocast_state(device: str) -> tuple[str, bool, torch.dtype]:
    return device, torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)


def _autocast(state: tuple[str, bool, torch.dtype]) -> AbstractContextManager[None]:
    """The forward's autocast, without its cache: weights cast there have no graph."""
    device, enabled, dtype = state
    return torch.autocast(device, dtype=dtype, enabled=enabled, cache_enabled=False)
