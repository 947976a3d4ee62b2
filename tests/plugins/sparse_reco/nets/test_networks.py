"""The networks: their sizes, what they answer, what they learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.api import Batch, Table
from zoo.engine.tensors import to_tensors
from zoo_sparse_reco.codec import SparseCodec
from zoo_sparse_reco.config import UResNetConfig, UResNetPpnConfig
from zoo_sparse_reco.models.blocks import VoxelNorm
from zoo_sparse_reco.models.networks import uresnet_networks, uresnet_ppn_networks
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.plugin import zoo_tasks

Events = Callable[..., Table]
SMALL: Mapping[str, Any] = {"filters": 4, "depth": 3, "reps": 1}


def parameters(net: nn.Module) -> int:
    return sum(one.numel() for one in net.parameters())


# Counted with a prototype of another code: 10.96, 18.94, 2.74 and 0.69 million.
@pytest.mark.parametrize(
    ("settings", "millions"),
    [({}, 10.96), ({"depth": 6}, 18.94), ({"filters": 16}, 2.74), ({"filters": 8}, 0.69)],
)
def test_sizes_are_those_published(settings: dict[str, int], millions: float) -> None:
    with torch.device("meta"):
        net = uresnet_networks(UResNetConfig.model_validate(settings), {})["net"]
    assert parameters(net) / 1e6 == pytest.approx(millions, abs=0.005)


def test_size_of_the_points_by_hand() -> None:
    """F = 4, depth 2, reps 1: what the proposals add to U-ResNet."""
    settings = {"filters": 4, "depth": 2, "reps": 1}
    plain = uresnet_networks(UResNetConfig.model_validate(settings), {})["net"]
    with_points = uresnet_ppn_networks(UResNetPpnConfig.model_validate(settings), {})["net"]
    up = 2 * 8 + 8 * 8 * 4
    block = 2 * 8 + 27 * 8 * 4 + 2 * 4 + 27 * 4 * 4 + 8 * 4
    last = 2 * (2 * 4 + 27 * 4 * 4)
    heads = 4 * (2 + 3 + 5 + 2) + (2 + 3 + 5 + 2)
    assert parameters(with_points) - parameters(plain) == up + block + last + heads


def test_summaries_tell_the_right_sizes() -> None:
    """What ``zoo list`` says of the defaults; 15.55 M is the sum as above, over four levels."""
    summaries = {name: model.summary for name, model in zoo_tasks()[0].models.items()}
    with torch.device("meta"):
        nets = {
            "uresnet": uresnet_networks(UResNetConfig(), {})["net"],
            "uresnet-ppn": uresnet_ppn_networks(UResNetPpnConfig(), {})["net"],
        }
    for name, net in nets.items():
        assert f"{parameters(net) / 1e6:.2f} M parameters" in summaries[name]


def made(config: UResNetConfig, grid: VoxelGrid, samples: Table) -> tuple[nn.Module, Batch]:
    torch.manual_seed(3)
    make = uresnet_ppn_networks if isinstance(config, UResNetPpnConfig) else uresnet_networks
    codec = SparseCodec(config, grid.facts, {})
    net = make(config, grid.facts)["net"]  # type: ignore[arg-type]  # each gets its own
    return net, to_tensors(codec.encode(samples), torch.device("cpu"))


def test_every_head_answers_every_voxel(events: Events, grid: VoxelGrid) -> None:
    config = UResNetPpnConfig.model_validate(
        {**SMALL, "ghosts": True, "input_kernel": 5, "features": ["deposit", "coordinates"]}
    )
    net, batch = made(config, grid, events(2))
    voxels = len(batch.inputs["features"])
    assert batch.inputs["features"].shape[1] == 4
    raw = net(**batch.inputs)
    shapes = {name: tuple(one.shape) for name, one in raw.items()}
    coarse = len(batch.inputs["neighbours_1"])
    assert shapes == {
        "semantic": (voxels, 5),
        "ghost": (voxels, 2),
        "point_score_1": (coarse, 2),
        "point_score_0": (voxels, 2),
        "offset": (voxels, 3),
        "type": (voxels, 5),
        "end": (voxels, 2),
    }


def test_the_first_convolution_sees_as_far_as_its_kernel(grid: VoxelGrid, table: Any) -> None:
    """Two voxels two apart, depth 1: only a kernel of 5 lets one change the other."""
    places = np.array([[4, 4, 4], [4, 4, 6]])
    for kernel, expected in ((3, False), (5, True)):
        config = UResNetConfig.model_validate({**SMALL, "depth": 1, "input_kernel": kernel})
        energies = (np.array([1.0, 1.0], np.float32), np.array([1.0, 9.0], np.float32))
        found = []
        for energy in energies:
            samples = table([{"voxels": places, "deposit": energy}])
            net, batch = made(config, grid, samples)
            net.eval()
            found.append(net(**batch.inputs)["semantic"][0].detach().numpy())
        assert (np.abs(found[0] - found[1]).max() > 1e-6) == expected


@pytest.mark.parametrize("points", [False, True])
def test_a_gradient_reaches_every_parameter(points: bool, events: Events, grid: VoxelGrid) -> None:
    settings = {**SMALL, "ghosts": True}
    config = (UResNetPpnConfig if points else UResNetConfig).model_validate(settings)
    net, batch = made(config, grid, events(2))
    weighted: list[Tensor] = [
        (one * torch.randn_like(one)).sum() for one in net(**batch.inputs).values()
    ]
    torch.stack(weighted).sum().backward()  # type: ignore[no-untyped-call]
    for name, one in net.named_parameters():
        assert one.grad is not None, name
        assert one.grad.abs().max() > 0, name


def test_coarse_scores_gate_finer_features_without_gradient(
    events: Events, grid: VoxelGrid
) -> None:
    config = UResNetPpnConfig.model_validate(SMALL)
    net, batch = made(config, grid, events(1))
    net.eval()
    score = net.points.scores["1"]  # type: ignore[union-attr, index]
    before = net(**batch.inputs)
    grads = torch.autograd.grad(before["offset"].sum(), score.bias, allow_unused=True)
    assert grads == (None,)
    with torch.no_grad():
        score.bias += torch.tensor([9.0, -9.0])
    after = net(**batch.inputs)
    assert not torch.allclose(before["offset"], after["offset"])
    torch.testing.assert_close(before["semantic"], after["semantic"])


def test_norm_is_torchs_but_for_less_than_two_voxels() -> None:
    torch.manual_seed(1)
    ours, theirs = VoxelNorm(3, 0.01), nn.BatchNorm1d(3, eps=1e-4, momentum=0.01)
    values = torch.randn(7, 3) + 2
    torch.testing.assert_close(ours(values), theirs(values), rtol=0, atol=0)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean, rtol=0, atol=0)
    assert ours.running_mean is not None
    torch.testing.assert_close(ours.running_mean, 0.01 * values.mean(0))
    before = ours.running_mean.clone()
    for count in (0, 1):
        few = torch.randn(count, 3)
        expected = (few - before) / (ours.running_var + 1e-4).sqrt()  # type: ignore[operator]
        torch.testing.assert_close(ours(few), expected)
    torch.testing.assert_close(ours.running_mean, before, rtol=0, atol=0)
    ours.eval()
    theirs.eval()
    torch.testing.assert_close(ours(values), theirs(values), rtol=0, atol=0)


def test_training_and_evaluation_differ(events: Events, grid: VoxelGrid) -> None:
    net, batch = made(UResNetConfig.model_validate(SMALL), grid, events(2))
    norms = [one for one in net.modules() if isinstance(one, VoxelNorm)]
    assert all(one.eps == 1e-4 and one.momentum == 0.01 for one in norms)
    slopes = {one.negative_slope for one in net.modules() if isinstance(one, nn.LeakyReLU)}
    assert slopes == {0.33}
    trained = net(**batch.inputs)["semantic"]
    assert all(one.num_batches_tracked == 1 for one in norms)
    net.eval()
    assert not torch.allclose(net(**batch.inputs)["semantic"], trained)
    assert all(one.num_batches_tracked == 1 for one in norms)
