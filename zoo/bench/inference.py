"""Inference of networks: what is deployed, or the learner's prediction on encoded samples."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from zoo.bench.case import Case, Conditions
from zoo.bench.models import Loaded, deploy_of, load_networks, parameters
from zoo.bench.operators import peak_operator
from zoo.bench.samples import read_samples, source_for
from zoo.bench.work import Work, unknown
from zoo.contract.table import Ragged
from zoo.engine.context import prediction_context
from zoo.engine.counting import multiply_adds
from zoo.engine.precision import Precision, resolve_device, resolve_precision
from zoo.engine.tensors import to_tensors

__all__ = ["inference_work", "shapes", "torch_work", "under"]


def inference_work(case: Case) -> Work:
    """One forward pass, without gradients.

    Raises:
        ZooError: If an input is wrong.
    """
    loaded = load_networks(case.subject)
    return _deployed(case, loaded) if case.inputs else _predicted(case, loaded)


def _deployed(case: Case, loaded: Loaded) -> Work:
    """The module that a consumer loads, on the deploy's own example."""
    deploy = deploy_of(loaded)
    if deploy is None:
        raise ValueError("inputs of a deploy that is not there")  # our bug
    device = resolve_device(case.conditions.device)
    module = deploy.module(loaded.networks, loaded.codec).to(device).eval()
    module.requires_grad_(requires_grad=False)
    arrays = load_file(Path(case.inputs), device=str(device))
    given = [arrays[name] for name in deploy.inputs]
    run = _compiled(module) if case.conditions.runtime == "compiled" else module
    return torch_work(
        case.conditions,
        lambda: run(*given),
        {"": module},
        {name: tuple(array.shape) for name, array in arrays.items()},
    )


def _predicted(case: Case, loaded: Loaded) -> Work:
    """``learner.predict`` on a batch of samples, as ``zoo predict`` calls it."""
    device = resolve_device(case.conditions.device)
    source, data = source_for(loaded.parts.task, loaded.config.data, case.conditions.sizes["batch"])
    samples = read_samples(source, data, loaded.codec.needs, case.conditions.sizes["batch"])
    batch = to_tensors(loaded.codec.encode(samples), device)
    context = prediction_context(batch.ids, device)
    networks = {name: net.to(device).eval() for name, net in loaded.networks.items()}
    if isinstance(loaded.learner, nn.Module):
        loaded.learner.to(device).eval()
    nets = networks
    if case.conditions.runtime == "compiled":
        nets = {name: _compiled(net) for name, net in networks.items()}

    def predict() -> object:
        return loaded.learner.predict(nets, batch, context)

    return torch_work(case.conditions, predict, networks, shapes(batch.inputs))


def torch_work(
    conditions: Conditions,
    call: Callable[[], object],
    networks: Mapping[str, nn.Module],
    inputs: Mapping[str, tuple[int, ...]],
    *,
    gradients: bool = False,
) -> Work:
    """A call of torch under its conditions, with what can be found out of it."""
    precision = resolve_precision(
        cast("Any", conditions.precision), resolve_device(conditions.device)
    )

    def conditioned() -> object:
        with under(conditions, None if gradients else precision, gradients=gradients):
            return call()

    eager = conditions.runtime == "eager"
    on_host = eager and conditions.device == "cpu"
    return Work(
        call=conditioned,
        inputs=inputs,
        parameters=lambda: parameters(networks),
        multiply_adds=(lambda: multiply_adds(conditioned)) if eager else unknown,
        operator=(lambda: peak_operator(conditioned, networks)) if on_host else unknown,
        compiles=not eager,
    )


@contextmanager
def under(
    conditions: Conditions, precision: Precision | None, *, gradients: bool = False
) -> Iterator[None]:
    """oneDNN, autocast (where the engine does not set it itself) and gradients as asked for."""
    with ExitStack() as entered:
        if conditions.onednn == "off":
            entered.enter_context(_without_onednn())
        entered.enter_context(torch.set_grad_enabled(gradients))
        if precision is not None:
            entered.enter_context(precision.autocast())
        yield


@contextmanager
def _without_onednn() -> Iterator[None]:
    mkldnn: Any = torch.backends.mkldnn  # its flags are untyped
    with warnings.catch_warnings():
        # Its setter of another flag has a remark on GPUs of Intel.
        warnings.filterwarnings("ignore", "TF32 acceleration", UserWarning)
        switched = mkldnn.flags(enabled=False)
        switched.__enter__()
    try:
        yield
    finally:
        switched.__exit__(None, None, None)


def shapes(value: Any, name: str = "") -> dict[str, tuple[int, ...]]:
    """Path -> shape of every tensor of a batch's inputs; of ragged ones, of all values."""
    if isinstance(value, Tensor):
        return {name: tuple(value.shape)}
    if isinstance(value, Ragged):
        return shapes(value.values, name)
    items: Any = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    found: dict[str, tuple[int, ...]] = {}
    for key, item in items:
        found |= shapes(item, f"{name}.{key}" if name else str(key))
    return found


def _compiled(module: nn.Module) -> nn.Module:
    return cast("nn.Module", torch.compile(module))
