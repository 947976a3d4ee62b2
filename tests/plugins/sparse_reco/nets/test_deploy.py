"""What is exported answers as the network does, for any number of voxels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
from zoo.runtimes.runtime import open_runtime
from zoo_sparse_reco.codec import SparseCodec
from zoo_sparse_reco.config import UResNetConfig, UResNetPpnConfig
from zoo_sparse_reco.deploy import SparseDeploy
from zoo_sparse_reco.learner import SparseLearner
from zoo_sparse_reco.models.networks import uresnet_networks, uresnet_ppn_networks
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

Events = Callable[..., Table]
SMALL: Mapping[str, Any] = {"filters": 4, "depth": 2, "reps": 1}
CASES: dict[str, UResNetConfig] = {
    "uresnet": UResNetConfig.model_validate({**SMALL, "ghosts": True, "input_kernel": 5}),
    "uresnet-ppn": UResNetPpnConfig.model_validate(SMALL),
}


def made(name: str, grid: VoxelGrid) -> tuple[NetworkPredictor, SparseDeploy]:
    """A network with running averages of its own."""
    torch.manual_seed(1)
    config = CASES[name]
    make: Any = uresnet_ppn_networks if name == "uresnet-ppn" else uresnet_networks
    nets = make(config, grid.facts)
    codec = SparseCodec(config, grid.facts, {})
    with torch.no_grad():
        for key, one in nets["net"].state_dict().items():
            if one.is_floating_point():
                draw = torch.rand_like if key.endswith("var") else torch.randn_like
                one.add_(draw(one), alpha=0.1)
    learner = SparseLearner(config, grid.facts)
    return NetworkPredictor(f"sparse-semantic/{name}", nets, learner, codec), SparseDeploy(
        config, grid.facts
    )


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
def test_it_answers_as_the_learner_does(name: str, events: Events, grid: VoxelGrid) -> None:
    predictor, deploy = made(name, grid)
    batch = predictor.codec.encode(events(3))
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
    for one, other in zip(found, expected.values(), strict=True):
        np.testing.assert_allclose(to_numpy(one), other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("counts", [(1, 1, 1), (8, 1, 1), (40, 22, 13), (64, 8, 1), (9, 9, 9)])
def test_examples_have_the_voxels_asked_for(counts: tuple[int, ...], grid: VoxelGrid) -> None:
    deploy = SparseDeploy(UResNetConfig(depth=3), grid.facts)
    sizes = dict(zip(deploy.dims, counts, strict=True))
    inputs = deploy.example(sizes, np.arange(1, 70, dtype=np.uint64))
    for name, field in deploy.inputs.items():
        shape = tuple(sizes[dim] if isinstance(dim, str) else dim for dim in field.dims)
        assert inputs[name].shape == shape, name
    assert np.abs(inputs["features"]).max() <= 1
    for level, count in enumerate(counts[1:], 1):
        children = inputs[f"children_{level}"]
        assert sorted(children[children >= 0]) == list(range(counts[level - 1]))
        assert ((children >= 0).any(1)).sum() == count


@pytest.mark.parametrize("counts", [(5, 6, 1), (9, 1, 1)])
def test_sizes_that_no_event_has_are_refused(counts: tuple[int, ...], grid: VoxelGrid) -> None:
    deploy = SparseDeploy(UResNetConfig(depth=3), grid.facts)
    with pytest.raises(UsageError, match="voxels cannot lie in"):
        deploy.example(
            dict(zip(deploy.dims, counts, strict=True)), np.arange(1, 9, dtype=np.uint64)
        )


@pytest.mark.slow
@pytest.mark.usefixtures("plugin", "forked_runtime")
@pytest.mark.parametrize(("name", "format_name"), [("uresnet", "pt2"), ("uresnet-ppn", "ts")])
def test_other_formats_are_the_model(
    name: str, format_name: str, tmp_path: Path, events: Events, grid: VoxelGrid
) -> None:
    predictor, deploy = made(name, grid)
    done = export(predictor, format_name, out=tmp_path, samples=events(4, seed=7))
    assert len(done.report["parity"]) == len(deploy.outputs) * len(deploy.sizes)
    assert done.report["end_to_end"]["samples"] == 4
    runtime = open_runtime(done.path)
    for count in (1, 3):
        batch = predictor.codec.encode(events(count, seed=8))
        found = runtime(batch.inputs)
        for key, expected in predictor.outputs(batch).items():
            np.testing.assert_allclose(found[key], expected, rtol=1e-3, atol=1e-4)
