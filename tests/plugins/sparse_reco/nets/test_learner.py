"""The loss against numbers worked out apart, learning, and predictions that hang together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.api import Batch, Loss, Table
from zoo.engine.context import prediction_context
from zoo.engine.tensors import to_tensors
from zoo.prediction.network import NetworkPredictor
from zoo_sparse_reco.codec import SparseCodec
from zoo_sparse_reco.config import UResNetConfig, UResNetPpnConfig
from zoo_sparse_reco.learner import SparseLearner, dice_of_events
from zoo_sparse_reco.models.networks import uresnet_networks, uresnet_ppn_networks
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

Make = Callable[[Sequence[dict[str, Any]]], Table]
Events = Callable[..., Table]
CPU = torch.device("cpu")
SMALL: Mapping[str, Any] = {"filters": 6, "depth": 3, "reps": 1}


class Fixed(nn.Module):
    """Answers what it is told."""

    def __init__(self, **raw: Sequence[Any]) -> None:
        super().__init__()
        self.raw = {name: torch.tensor(value, dtype=torch.float32) for name, value in raw.items()}

    def forward(self, **inputs: Tensor) -> dict[str, Tensor]:
        return self.raw


def loss_of(net: nn.Module, config: UResNetConfig, batch: Batch) -> Loss:
    context = prediction_context(batch.ids, CPU)
    return SparseLearner(config, {}).loss({"net": net}, batch, context)


def means(loss: Loss) -> dict[str, float]:
    return {name: float(term.total) / max(term.count, 1) for name, term in loss.terms.items()}


def _tensors(targets: dict[str, Any]) -> Batch:
    arrays = {
        name: np.asarray(value) if isinstance(value, list) else value
        for name, value in targets.items()
    }
    return to_tensors(Batch({}, arrays, np.ones(1, np.uint64)), CPU)


def test_classes_and_ghosts_by_hand() -> None:
    config = UResNetConfig(ghosts=True, semantic_weight=2.0, ghost_weight=0.5)
    batch = _tensors(
        {
            "semantic": np.array([1, 0, 3]),
            "semantic_weight": np.array([1.0, 0.0, 3.0], np.float32),
            "ghost": np.array([0, 1, 0]),
            "ghost_weight": np.array([1.0, 1.0, 0.0], np.float32),
            "counts": {"semantic": 4.0, "ghost": 2.0},
        }
    )
    logits = np.log([[0.1, 0.6, 0.1, 0.1, 0.1], [0.2] * 5, [0.1, 0.1, 0.1, 0.5, 0.2]])
    ghosts = np.log([[0.75, 0.25], [0.75, 0.25], [0.5, 0.5]])
    loss = loss_of(Fixed(semantic=logits, ghost=ghosts), config, batch)
    found = means(loss)
    assert found["semantic"] == pytest.approx((-np.log(0.6) - 3 * np.log(0.5)) / 4, rel=1e-6)
    assert found["ghost"] == pytest.approx((-np.log(0.75) - np.log(0.25)) / 2, rel=1e-6)
    assert {name: term.weight for name, term in loss.terms.items()} == {
        "semantic": 2.0,
        "ghost": 0.5,
    }


def test_focal_loss_by_hand() -> None:
    batch = _tensors(
        {
            "semantic": np.array([1]),
            "semantic_weight": np.ones(1, np.float32),
            "counts": {"semantic": 1.0},
        }
    )
    net = Fixed(semantic=np.log([[0.1, 0.6, 0.1, 0.1, 0.1]]))
    found = means(loss_of(net, UResNetConfig(focal=2.0), batch))
    assert found["semantic"] == pytest.approx(-(0.4**2) * np.log(0.6), rel=1e-5)


def test_dice_by_hand() -> None:
    """Three events: two voxels, none, and two of which one is not known."""
    probability = torch.tensor([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1], [0.2, 0.8]])
    label = torch.tensor([0, 1, 0, 1])
    known = torch.tensor([True, True, True, False])
    found = dice_of_events(probability, label, known, torch.tensor([2, 0, 2]))
    expected = [
        [1 - (2 * 0.7 + 1) / (1.1 + 1 + 1), 1 - (2 * 0.6 + 1) / (0.9 + 1 + 1)],
        [0, 0],
        [1 - (2 * 0.9 + 1) / (0.9 + 1 + 1), 1 - 1 / (0.1 + 0 + 1)],
    ]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_points_by_hand() -> None:
    config = UResNetPpnConfig.model_validate(
        {"depth": 3, "points": {"positive_weight": 2.0, "score_weight": 3.0, "offset_weight": 0.1}}
    )
    batch = _tensors(
        {
            "semantic": np.array([1, 1]),
            "semantic_weight": np.ones(2, np.float32),
            "point_score_0": np.array([1, 0]),
            "point_score_1": np.array([1]),
            "anchor": np.array([0]),
            "offset": np.array([[0.5, -1.0, 2.0]], np.float32),
            "type": np.array([2]),
            "end": np.array([-1]),
            "counts": {
                "semantic": 2.0,
                "point_score_0": 3.0,
                "point_score_1": 2.0,
                "offset": 3.0,
                "type": 1.0,
                "end": 0.0,
            },
        }
    )
    net = Fixed(
        semantic=np.zeros((2, 5)),
        point_score_0=np.log([[0.2, 0.8], [0.9, 0.1]]),
        point_score_1=np.log([[0.5, 0.5]]),
        offset=[[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]],
        type=np.log([[0.1, 0.1, 0.4, 0.2, 0.2], [0.2] * 5]),
        end=[[0.0, 0.0], [0.0, 0.0]],
    )
    loss = loss_of(net, config, batch)
    found = means(loss)
    assert found["score_1"] == pytest.approx((-2 * np.log(0.8) - np.log(0.9)) / 3, rel=1e-6)
    assert found["score_2"] == pytest.approx(np.log(2), rel=1e-6)
    assert found["type"] == pytest.approx(-np.log(0.4), rel=1e-6)
    assert found["offset"] == pytest.approx((0.25 + 1 + 4) / 3, rel=1e-6)
    assert (loss.terms["end"].count, float(loss.terms["end"].total)) == (0, 0)
    assert {name: term.weight for name, term in loss.terms.items()} == {
        "semantic": 1.0,
        "score_2": 1.5,
        "score_1": 1.5,
        "type": 1.0,
        "offset": 0.1,
        "end": 1.0,
    }


def trained(
    config: UResNetConfig, grid: VoxelGrid, samples: Table, steps: int
) -> tuple[NetworkPredictor, list[float]]:
    torch.manual_seed(2)
    make: Any = uresnet_ppn_networks if isinstance(config, UResNetPpnConfig) else uresnet_networks
    net = make(config, grid.facts)["net"]
    codec = SparseCodec(config, grid.facts, {})
    batch = to_tensors(codec.encode(samples), CPU)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(steps):
        found = loss_of(net, config, batch).terms.values()
        total = torch.stack([t.weight * t.total / max(t.count, 1) for t in found]).sum()
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(total.detach()))
    learner = SparseLearner(config, grid.facts)
    return NetworkPredictor("sparse-semantic/net", {"net": net}, learner, codec), losses


@pytest.fixture(scope="module")
def overfitted(events: Events, grid: VoxelGrid) -> tuple[NetworkPredictor, list[float]]:
    settings = {**SMALL, "ghosts": True, "momentum": 0.3}
    config = UResNetPpnConfig.model_validate(settings)
    return trained(config, grid, events(1), 60)


def test_one_event_can_be_learnt_by_heart(
    overfitted: tuple[NetworkPredictor, list[float]], events: Events
) -> None:
    predictor, losses = overfitted
    samples = events(1)
    assert losses[-1] < 0.2 * losses[0]
    found = predictor.predict(samples)
    assert (found["semantic"].values == samples["semantic"].values).mean() > 0.95
    true = np.stack([samples[f"point_{axis}"].values for axis in "xyz"], 1)
    points = np.stack([found[f"point_{axis}"].values for axis in "xyz"], 1)
    assert 1 <= len(points) <= 6
    nearest = np.linalg.norm(true[:, None] - points, axis=2).min(1)
    assert nearest.max() < 3
    start = np.linalg.norm(points - true[0], axis=1).argmin()
    assert found["point_end"].values[start] < 0.5
    assert found["point_semantic"].values[start] == 1


def test_events_do_not_feel_each_other(
    overfitted: tuple[NetworkPredictor, list[float]], events: Events
) -> None:
    """Together, in another order, or alone: the same answers."""
    predictor, _ = overfitted
    samples = events(4, seed=5)
    order = [2, 0, 3, 1]
    whole = predictor.predict(samples)
    moved = predictor.predict(samples.take(order))
    alone = Table.concat([predictor.predict(samples.take([row])) for row in range(4)])
    for found, rows in ((moved, order), (alone, range(4))):
        for place, row in enumerate(rows):
            for name in whole:
                if name != "id":
                    np.testing.assert_allclose(
                        found[name][place], whole[name][row], rtol=1e-4, atol=1e-5, err_msg=name
                    )


def test_events_of_any_size(
    overfitted: tuple[NetworkPredictor, list[float]], table: Make, events: Events
) -> None:
    """Without voxels, with one, and with ghosts alone; alone and beside others."""
    predictor, _ = overfitted
    voxels = np.array([[3, 3, 3], [9, 9, 9], [20, 4, 7]])
    made = [
        {
            "voxels": voxels[:count],
            "deposit": np.ones(count, np.float32),
            "semantic": np.full(count, 5, np.int8),
            "particle": np.full(count, -1, np.int32),
            **{f"point_{axis}": np.zeros(0, np.float32) for axis in "xyz"},
            **{f"point_{name}": np.zeros(0, np.int8) for name in ("semantic", "end")},
            "point_particle": np.zeros(0, np.int32),
        }
        for count in (0, 1, 3)
    ]
    small = table(made)
    for row in range(3):
        found = predictor.predict(small.take([row]))
        assert found["semantic"].lengths.tolist() == [len(made[row]["voxels"])]
        net = predictor.networks["net"].train()
        batch = to_tensors(predictor.codec.encode(small.take([row])), CPU)
        for name, term in loss_of(net, predictor.codec.config, batch).terms.items():
            assert torch.isfinite(term.total), name
            assert term.count or float(term.total.detach()) == 0
    beside = Table.concat([small, events(1).select([n for n in small if n != "plane_charge"])])
    assert predictor.predict(beside)["semantic"].lengths[:3].tolist() == [0, 1, 3]


def test_all_options_of_the_loss_learn(events: Events, grid: VoxelGrid) -> None:
    config = UResNetConfig.model_validate({**SMALL, "focal": 1.5, "dice": 0.5, "ghosts": True})
    _, losses = trained(config, grid, events(2), 15)
    assert losses[-1] < 0.7 * losses[0]


def test_bf16_learns_too(events: Events, grid: VoxelGrid) -> None:
    config = UResNetPpnConfig.model_validate(SMALL)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _, losses = trained(config, grid, events(1), 8)
    assert losses[-1] < losses[0]
