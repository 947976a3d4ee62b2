"""What is exported answers as the network does, for any number of nodes and edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zoo.api import Table, UsageError
from zoo.engine.tensors import to_numpy
from zoo.export import export
from zoo.prediction.network import NetworkPredictor
from zoo.registry import registry
from zoo.runtimes.predictor import load_exported
from zoo_sparse_reco.grouping.codec import GrappaCodec
from zoo_sparse_reco.grouping.config import (
    GrappaInteractionConfig,
    GrappaShowerConfig,
    GrappaTrackConfig,
)
from zoo_sparse_reco.grouping.deploy import GrappaDeploy
from zoo_sparse_reco.grouping.learner import GrappaLearner
from zoo_sparse_reco.grouping.models.grappa import networks

RandomEvents = Callable[..., Table]
Facts = dict[str, Any]
SMALL: dict[str, Any] = {"width": 6, "layers": 2, "depth": 2}
CASES: dict[str, Any] = {
    "shower": GrappaShowerConfig.model_validate(SMALL),
    "track": GrappaTrackConfig.model_validate(SMALL),
    "interaction": GrappaInteractionConfig.model_validate(
        {**SMALL, "momentum_loss": "log-cosh", "vertices": True}
    ),
}


def made(name: str, facts: Facts) -> tuple[NetworkPredictor, GrappaDeploy]:
    config = CASES[name]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        nets = networks(config, facts)
        with torch.no_grad():
            for key, one in nets["net"].state_dict().items():
                if one.is_floating_point():
                    draw = torch.rand_like if key.endswith("var") else torch.randn_like
                    one.add_(draw(one), alpha=0.1)
                if key.startswith(("node_norm.running_var", "edge_norm.running_var")):
                    one.add_(1000.0)  # features are places in voxels
    learner = GrappaLearner(config, facts)
    predictor = NetworkPredictor(
        f"sparse-group/grappa-{name}", nets, learner, GrappaCodec(config, facts, {})
    )
    return predictor, GrappaDeploy(config, facts)


@pytest.fixture(scope="module")
def plugin() -> Iterator[None]:
    """The registry with this plugin alone, whatever is installed."""
    point = EntryPoint("sparse-reco", "zoo_sparse_reco.plugin", "zoo.plugins")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.registry.entry_points", lambda **_: [point])
        registry.cache_clear()
        yield
    registry.cache_clear()


@pytest.mark.parametrize("name", list(CASES))
def test_it_answers_as_the_learner_does(
    name: str, random_events: RandomEvents, facts: Facts
) -> None:
    predictor, deploy = made(name, facts)
    batch = predictor.codec.encode(random_events(2))
    assert list(batch.inputs) == list(deploy.inputs)
    for key, array in batch.inputs.items():
        assert array.dtype.name == deploy.inputs[key].dtype
        fixed = [dim for dim in deploy.inputs[key].dims if isinstance(dim, int)]
        assert list(array.shape[1:]) == fixed
    expected = predictor.outputs(batch)
    assert list(expected) == list(deploy.outputs)
    module = deploy.module(predictor.networks, predictor.codec).eval()
    with torch.no_grad():
        found = module(*(torch.from_numpy(array.copy()) for array in batch.inputs.values()))
    for one, other in zip(
        (found,) if len(expected) == 1 else found, expected.values(), strict=True
    ):
        np.testing.assert_allclose(to_numpy(one), other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("counts", [(2, 2), (7, 18), (1, 0), (0, 0)])
def test_examples_are_graphs_of_the_sizes_asked_for(counts: tuple[int, int], facts: Facts) -> None:
    deploy = GrappaDeploy(CASES["shower"], facts)
    sizes = dict(zip(("node", "edge"), counts, strict=True))
    inputs = deploy.example(sizes, np.arange(1, 20, dtype=np.uint64))
    for name, field in deploy.inputs.items():
        shape = tuple(sizes[dim] if isinstance(dim, str) else dim for dim in field.dims)
        assert inputs[name].shape == shape
        assert inputs[name].dtype.name == field.dtype
    ends = np.stack([inputs["edge_from"], inputs["edge_to"]])
    assert (ends[0] != ends[1]).all()
    assert ends.max(initial=0) <= max(counts[0] - 1, 0)


def test_edges_without_nodes_are_refused(facts: Facts) -> None:
    deploy = GrappaDeploy(CASES["track"], facts)
    with pytest.raises(UsageError, match="need two nodes"):
        deploy.example({"node": 1, "edge": 2}, np.arange(1, 4, dtype=np.uint64))


@pytest.mark.slow
@pytest.mark.usefixtures("plugin", "forked_runtime")
@pytest.mark.parametrize(("name", "format_name"), [("shower", "ts"), ("interaction", "onnx")])
def test_the_exported_file_is_the_model(
    name: str, format_name: str, tmp_path: Path, random_events: RandomEvents, facts: Facts
) -> None:
    predictor, deploy = made(name, facts)
    done = export(predictor, format_name, out=tmp_path, samples=random_events(3, seed=7))
    assert len(done.report["parity"]) == len(deploy.outputs) * len(deploy.sizes)
    assert done.report["end_to_end"]["samples"] == 3
    exported = load_exported(done.path)
    for clusters in (1, 3, 20):
        samples = random_events(2, clusters=clusters, seed=8)
        found, expected = exported.predict(samples), predictor.predict(samples)
        for column in expected:
            if column in {"id", "stage"}:
                continue
            np.testing.assert_allclose(
                found[column].values, expected[column].values, rtol=1e-3, atol=1e-4
            )
