"""Targets, networks and the codec: what is learnt and what comes out, of small events too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from zoo.api import Batch, DataError, Loss, Table
from zoo.engine.context import prediction_context
from zoo.engine.tensors import to_tensors
from zoo.prediction.network import NetworkPredictor
from zoo_sparse_reco.clustering.codec import ClusterCodec, positions_of
from zoo_sparse_reco.clustering.config import ClusterConfig, GraphSpiceConfig, SpiceConfig
from zoo_sparse_reco.clustering.learner import ClusterLearner
from zoo_sparse_reco.clustering.losses import TERMS, member_losses
from zoo_sparse_reco.clustering.networks import (
    edge_scores,
    graph_spice_networks,
    spice_networks,
)
from zoo_sparse_reco.clustering.targets import edge_targets, edges_of, member_targets
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.sparse.tables import neighbour_table

Drawn = Callable[..., Table]
Make = Callable[[Sequence[Mapping[str, Any]]], Table]
CPU = torch.device("cpu")
SMALL: Mapping[str, Any] = {"filters": 4, "depth": 3, "reps": 1, "input_kernel": 3, "momentum": 0.1}
CONFIGS: dict[str, ClusterConfig] = {
    "spice": SpiceConfig.model_validate(SMALL),
    "graph-spice": GraphSpiceConfig.model_validate({**SMALL, "normalise": True}),
}


def made(name: str, grid: VoxelGrid, **changes: Any) -> NetworkPredictor:
    torch.manual_seed(2)
    config = type(CONFIGS[name]).model_validate({**CONFIGS[name].model_dump(), **changes})
    make: Any = spice_networks if name == "spice" else graph_spice_networks
    nets = make(config, grid.facts)
    return NetworkPredictor(
        f"sparse-cluster/{name}",
        nets,
        ClusterLearner(config, grid.facts),
        ClusterCodec(config, grid.facts, {}),
    )


def loss_of(predictor: NetworkPredictor, batch: Batch) -> Loss:
    tensors = to_tensors(batch, CPU)
    learner: Any = predictor.learner
    loss: Loss = learner.loss(predictor.networks, tensors, prediction_context(batch.ids, CPU))
    return loss


# ---- targets ------------------------------------------------------------------------------------


def test_members_of_each_class_and_event() -> None:
    group = np.array([1, 0, 1, -1, 1, 0, 8, 1])
    fragment = np.array([7, 2, 5, 2, 7, 2, 1, -1])
    found = member_targets(group, fragment, fewest=2)
    assert found["chosen"].tolist() == [1, 5, 2, 0, 4]
    assert found["sizes"] == ((2,), (1, 2))
    assert member_targets(group, fragment, fewest=1)["sizes"] == ((2,), (1, 2), (1,))
    nothing = member_targets(group[:0], fragment[:0], fewest=2)
    assert (len(nothing["chosen"]), nothing["sizes"]) == (0, ())


def test_edges_are_all_pairs_of_neighbours_of_a_class() -> None:
    rng = np.random.default_rng(0)
    place = np.unique(rng.integers(0, 5, (60, 3)), axis=0)
    group, fragment = rng.integers(-1, 2, len(place)), rng.integers(-1, 3, len(place))
    table = neighbour_table(place, np.zeros(len(place), np.int64))
    one, other, at = edges_of(table, group)
    near = np.abs(place[:, None] - place[None]).max(2) == 1
    same = (group[:, None] == group[None]) & (group >= 0)
    expected = {frozenset(pair) for pair in np.argwhere(near & same).tolist()}
    assert {frozenset(pair) for pair in zip(one.tolist(), other.tolist(), strict=True)} == expected
    assert len(one) == len(expected)
    np.testing.assert_array_equal(table[:, 14:][at // 13, at % 13], other)
    found = edge_targets(table, group, fragment, np.array([0, 10, 10, len(place)]))
    known = (fragment[one] >= 0) & (fragment[other] >= 0)
    assert found["edge"].tolist() == at[known].tolist()
    assert found["cut"].tolist() == (fragment[one] != fragment[other])[known].tolist()
    assert found["lengths"].sum() == known.sum()
    assert (found["lengths"][1], found["events"]) == (0, 2)


# ---- networks -----------------------------------------------------------------------------------


def test_scores_of_edges_by_a_bilinear_layer() -> None:
    """As torch's own layer of this kind gives them, in float64; none where there is no voxel."""
    rng = np.random.default_rng(3)
    values = torch.tensor(rng.normal(0, 1, (6, 4)))
    table = torch.tensor([[1, -1], [2, 0], [-1, 5], [-1, -1], [4, 4], [0, 3]], dtype=torch.int32)
    layer = nn.Bilinear(4, 4, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        found = edge_scores(values, layer.weight[0], table)
        for row, column in np.ndindex(6, 2):
            other = int(table[row, column])
            expected = float(layer(values[row], values[other])) if other >= 0 else 0.0
            assert float(found[row, column]) == pytest.approx(expected, abs=1e-12)


def test_published_sizes() -> None:
    config = SpiceConfig()
    assert (config.filters, config.depth, config.reps, config.input_kernel) == (64, 7, 2, 5)
    config_ = GraphSpiceConfig()
    assert (config_.filters, config_.depth, config_.reps, config_.input_kernel) == (32, 5, 2, 5)
    assert (config_.cut, config_.smallest, config.probability, config.smallest) == (0.1, 3, 0.5, 2)


@pytest.mark.parametrize("name", list(CONFIGS))
def test_answers_do_not_depend_on_company_or_order(
    name: str, drawn: Drawn, grid: VoxelGrid
) -> None:
    predictor = made(name, grid)
    samples = drawn(3)
    whole = predictor.predict(samples)
    for row in range(3):
        alone = predictor.predict(samples.take([row]))
        np.testing.assert_array_equal(alone["fragment"][0], whole["fragment"][row])
        told = whole["fragment"][row]
        assert sorted(set(told[told >= 0])) == list(range(told.max() + 1))
    turned = predictor.predict(samples.take([2, 0, 1]))
    np.testing.assert_array_equal(turned["fragment"][0], whole["fragment"][2])


def test_embeddings_are_places_moved_within_reach(drawn: Drawn, grid: VoxelGrid) -> None:
    predictor = made("spice", grid)
    batch = predictor.codec.encode(drawn(2))
    found = predictor.outputs(batch)
    assert np.abs(found["embedding"] - batch.inputs["position"]).max() <= 1
    assert found["margin"].min() > 0
    assert found["margin"].max() <= 2
    assert 0 <= found["seed"].min() <= found["seed"].max() <= 1


def test_positions_by_hand() -> None:
    place = np.array([[0, 0, 0], [99, 49, 9], [50, 25, 5]])
    found = positions_of(place, (100, 50, 10))
    expected = [[-0.99, -0.49, -0.09], [0.99, 0.49, 0.09], [0.01, 0.01, 0.01]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


# ---- the loss over a batch ----------------------------------------------------------------------


def test_the_loss_is_the_mean_over_events_and_classes(drawn: Drawn, grid: VoxelGrid) -> None:
    predictor = made("spice", grid, mask="lovasz", inter_distance=0.3)
    samples = drawn(2)
    batch = predictor.codec.encode(samples)
    loss = loss_of(predictor, batch)
    assert list(loss.terms) == list(TERMS)
    told = {name: torch.tensor(value) for name, value in predictor.outputs(batch).items()}
    event = np.repeat([0, 1], samples["semantic"].lengths)
    kind, fragment = samples["semantic"].values, samples["fragment"].values
    sums = dict.fromkeys(TERMS, 0.0)
    for row in (0, 1):
        for number in (0, 1):
            some = np.flatnonzero((event == row) & (kind == number))
            some = some[np.argsort(fragment[some], kind="stable")]
            sizes = np.unique(fragment[some], return_counts=True)[1].tolist()
            assert len(sizes) == 2
            rows = torch.tensor(some)
            one = [told[key][rows] for key in ("embedding", "margin", "seed")]
            found = member_losses(*one, sizes, mask="lovasz", inter_distance=0.3)
            sums = {key: sums[key] + float(found[key]) for key in TERMS}
    predictor.networks["net"].eval()
    loss = loss_of(predictor, batch)
    for key in TERMS:
        assert loss.terms[key].count == 4
        assert float(loss.terms[key].total.detach()) == pytest.approx(sums[key], rel=1e-4)


def test_the_loss_of_edges_by_hand(drawn: Drawn, grid: VoxelGrid) -> None:
    predictor = made("graph-spice", grid)
    predictor.networks["net"].eval()
    batch = predictor.codec.encode(drawn(2))
    loss = loss_of(predictor, batch)
    cut, edge = batch.targets["cut"], batch.targets["edge"]
    p = predictor.outputs(batch)["cut"].astype(np.float64).ravel()[edge]
    entropy = -np.sum(np.where(cut > 0, np.log(p), np.log(1 - p)))
    assert float(loss.terms["entropy"].total.detach()) == pytest.approx(entropy, rel=1e-4)
    assert loss.terms["entropy"].count == len(edge)
    parts = np.split(np.arange(len(edge)), np.cumsum(batch.targets["lengths"])[:-1])
    lack = [
        -np.log((2 * (p * cut)[part].sum() + 1) / (p[part].sum() + cut[part].sum() + 1))
        for part in parts
    ]
    assert float(loss.terms["dice"].total.detach()) == pytest.approx(sum(lack), rel=1e-4)
    assert {name: (term.count, term.weight) for name, term in loss.terms.items()} == {
        "dice": (2, 0.8),
        "entropy": (len(edge), 0.2),
    }


# ---- the edges of what there is -----------------------------------------------------------------


EVENTS: dict[str, dict[str, Any]] = {
    "empty": {"voxels": np.zeros((0, 3)), "semantic": [], "fragment": []},
    "one voxel": {"voxels": [[5, 6, 7]], "semantic": [1], "fragment": [3]},
    "low energy and ghosts": {
        "voxels": [[5, 6, 7], [5, 6, 8], [9, 9, 9]],
        "semantic": [4, 5, -1],
        "fragment": [0, -1, 1],
    },
    "one class": {
        "voxels": [[5, 6, z] for z in range(10, 20)],
        "semantic": [1] * 10,
        "fragment": [3] * 10,
    },
}


@pytest.mark.parametrize("case", list(EVENTS))
@pytest.mark.parametrize("name", list(CONFIGS))
def test_small_events_teach_and_are_predicted(
    name: str, case: str, table: Make, grid: VoxelGrid
) -> None:
    predictor = made(name, grid)
    samples = table([EVENTS[case]])
    batch = predictor.codec.encode(samples)
    predictor.networks["net"].train()
    loss = loss_of(predictor, batch)
    total = sum((term.total for term in loss.terms.values()), start=torch.zeros(()))
    total.backward()
    assert torch.isfinite(total)
    found = predictor.predict(samples)["fragment"]
    assert len(found[0]) == len(EVENTS[case]["voxels"])
    if case != "one class":
        # One voxel is below the smallest cluster of either; other classes have no fragments.
        assert (found[0] == -1).all()


def test_what_is_not_finite_is_told(drawn: Drawn, grid: VoxelGrid) -> None:
    predictor = made("spice", grid)
    samples = drawn(1)
    outputs = predictor.outputs(predictor.codec.encode(samples))
    outputs["margin"] = np.full_like(outputs["margin"], np.nan)
    with pytest.raises(DataError, match="not finite"):
        predictor.codec.decode(outputs, samples)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (SpiceConfig, {"depth": 1}),
        (SpiceConfig, {"largest_margin": 0}),
        (SpiceConfig, {"probability": 0}),
        (SpiceConfig, {"mask": "dice"}),
        (GraphSpiceConfig, {"cut": 1.5}),
        (GraphSpiceConfig, {"input_kernel": 4}),
        (GraphSpiceConfig, {"probability": 0.5}),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(changes)
