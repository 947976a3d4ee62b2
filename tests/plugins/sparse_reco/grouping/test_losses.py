"""Losses equal an independent calculation in float64; which edges and nodes are learnt."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from zoo.api import Batch, DataError, Table
from zoo.engine.tensors import to_tensors
from zoo_sparse_reco.grouping.codec import GrappaCodec
from zoo_sparse_reco.grouping.config import (
    GrappaInteractionConfig,
    GrappaShowerConfig,
    GrappaTrackConfig,
)
from zoo_sparse_reco.grouping.learner import GrappaLearner
from zoo_sparse_reco.grouping.losses import in_pure_groups, momentum_loss

RandomEvents = Callable[..., Table]
TableOf = Callable[..., Table]
Facts = dict[str, Any]


class Fixed(nn.Module):
    """Answers whatever it was given."""

    def __init__(self, raw: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.raw = raw

    def forward(self, **_: Any) -> dict[str, torch.Tensor]:
        return self.raw


def raw_answers(batch: Batch, heads: dict[str, int]) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(2)
    sizes = {"edge": (len(batch.inputs["edges"]), 2)}
    sizes |= {name: (len(batch.inputs["nodes"]), columns) for name, columns in heads.items()}
    return {name: torch.tensor(rng.normal(0, 1, size)) for name, size in sizes.items()}


def losses(config: Any, facts: Facts, batch: Batch, raw: Any) -> dict[str, tuple[float, float]]:
    learner = GrappaLearner(config, facts)
    loss = learner.loss({"net": Fixed(raw)}, to_tensors(batch, torch.device("cpu")), None)  # type: ignore[arg-type]
    return {name: (float(term.total), term.count) for name, term in loss.terms.items()}


def entropy(logits: Any, label: int) -> float:
    values = [float(one) for one in logits]
    return math.log(sum(math.exp(one) for one in values)) - values[label]


def test_interactions(random_events: RandomEvents, facts: Facts) -> None:
    """All heads, against loops over edges and nodes and the raw truth of the sample."""
    config = GrappaInteractionConfig(momentum_loss="berhu", vertices=True)
    samples = random_events(2, seed=11)
    constants = GrappaCodec.fit(config, facts, [samples.take([0]), samples.take([1])])
    codec = GrappaCodec(config, facts, constants)
    batch = codec.encode(samples)
    raw = raw_answers(batch, {"primary": 2, "pid": 6, "momentum": 1, "vertex": 3})
    found = losses(config, facts, batch, raw)
    nodes, graph = codec.graph(samples).nodes, codec.graph(samples)

    # Particles of these events are their groups; the number of a node is that of its particle.
    kind, primary = [], []
    for event, number in zip(nodes.event, nodes.number, strict=True):
        rows = samples["voxel_group"][event] == number
        kind.append(int(samples["pid"][event][rows][0]))
        primary.append(int(samples["particle_primary"][event][number]))
    weight = {}
    for name, values, classes in (("pid", kind, 6), ("primary", primary, 2)):
        present = len(set(values))
        weight[name] = [
            len(values) / (present * values.count(k)) if k in values else 0.0
            for k in range(classes)
        ]
    for name, values in (("pid", kind), ("primary", primary)):
        total = sum(
            weight[name][value] * entropy(raw[name][k], value) for k, value in enumerate(values)
        )
        count = sum(weight[name][value] for value in values)
        assert found[name] == pytest.approx((total, count), rel=1e-5)

    total = 0.0
    for e, (one, other) in enumerate(zip(graph.from_, graph.to, strict=True)):
        inside = [int(nodes.number[k]) % 3 for k in (one, other)]  # the interaction of a group
        total += entropy(raw["edge"][e], int(inside[0] == inside[1]))
    assert found["edge"] == pytest.approx((total, len(graph.from_)), rel=1e-5)

    momentum, vertex, counted = 0.0, 0.0, 0
    for k, (event, number) in enumerate(zip(nodes.event, nodes.number, strict=True)):
        true = float(np.linalg.norm(samples["particle_momentum"][event][number])) / 1000
        error = abs(float(raw["momentum"][k, 0]) - true)
        momentum += error if error <= 0.2 else (error**2 + 0.04) / 0.4
        if primary[k]:
            way = samples["interaction_vertex"][event][number % 3] - graph.ends.start[k]
            vertex += float(np.sum((raw["vertex"][k].numpy() - way / 100) ** 2))
            counted += 3
    assert found["momentum"] == pytest.approx((momentum, len(nodes)), rel=1e-5)
    assert found["vertex"] == pytest.approx((vertex, counted), rel=1e-5)


def test_momenta() -> None:
    """berHu by hand at 0.1, 0.2 and -1 with c = 0.2: 0.1, 0.2, (1 + 0.04) / 0.4; log cosh."""
    error = torch.tensor([0.1, 0.2, -1.0], dtype=torch.float64)
    assert momentum_loss(error, "berhu", 0.2).tolist() == pytest.approx([0.1, 0.2, 2.6])
    expected = [math.log(math.cosh(one)) for one in (0.1, 0.2, -1.0)]
    assert momentum_loss(error, "log-cosh", 0.2).tolist() == pytest.approx(expected)
    large = torch.tensor([-800.0])
    assert float(momentum_loss(large, "log-cosh", 1.0)) == pytest.approx(800 - math.log(2))


def _showers(table_of: TableOf) -> Table:
    """Three groups: of 0 and 1, led by 0; of 2 and 3, whose first fragment is lost; 4 alone."""
    place = [[x, 10, 10] for x in (5, 6, 15, 16, 25, 26, 35, 36, 45, 46)]
    fragment = np.repeat(np.arange(5), 2)
    particle = np.array([0, 1, 8, 9, 4])[fragment]
    group = np.array([0, 0, 7, 7, 4])[fragment]
    event = {"place": place, "semantic": [0] * 10, "fragment": fragment}
    return table_of([{**event, "particle": particle, "voxel_group": group}])


def test_high_purity_learns_edges_of_groups_with_one_first_fragment(
    table_of: TableOf, facts: Facts
) -> None:
    samples = _showers(table_of)
    batch = GrappaCodec(GrappaShowerConfig(), facts, {}).encode(samples)
    ends = np.stack([batch.inputs["edge_from"], batch.inputs["edge_to"]])
    learnt = batch.targets["edge_weight"] > 0
    assert len(learnt) == 20
    np.testing.assert_array_equal(learnt, ~np.isin(ends, (2, 3)).any(axis=0))
    assert batch.targets["counts"]["edge"] == 6  # among 0, 1 and 4
    assert {tuple(one) for one in ends.T[batch.targets["edge"] == 1]} == {
        (0, 1),
        (1, 0),
        (2, 3),
        (3, 2),
    }
    every = GrappaCodec(GrappaShowerConfig(high_purity=False), facts, {}).encode(samples)
    assert every.targets["edge_weight"].tolist() == [1] * 20
    assert every.targets["primary"].tolist() == [1, 0, 0, 0, 1]


def test_first_fragments_are_learnt_in_predicted_groups_that_have_one(
    table_of: TableOf, facts: Facts
) -> None:
    """Predicted: 0 with 4, which has two; 1 with 2, which has none; 3, none. Or only 0 with 1."""
    samples = _showers(table_of)
    config = GrappaShowerConfig()
    batch = GrappaCodec(config, facts, {}).encode(samples)
    raw = raw_answers(batch, {"primary": 2})
    ends = list(zip(batch.inputs["edge_from"], batch.inputs["edge_to"], strict=True))

    def count(joined: set[tuple[int, int]]) -> tuple[float, float]:
        logits = [[0.0, 2.0 if tuple(sorted(pair)) in joined else -2.0] for pair in ends]
        return losses(config, facts, batch, {**raw, "edge": torch.tensor(logits)})["primary"]

    assert count({(0, 4), (1, 2)}) == (0, 0)
    total, nodes = count({(0, 1)})
    assert nodes == 3  # 0 and 1, and 4 alone
    truth = [1, 0, 0, 0, 1]
    expected = sum(entropy(raw["primary"][k], truth[k]) for k in (0, 1, 4))
    assert total == pytest.approx(expected, rel=1e-5)
    always = GrappaShowerConfig(use_group_pred=False)
    assert losses(always, facts, batch, raw)["primary"][1] == 5
    assert in_pure_groups(np.array([0, 0, 1, 1, 2]), np.array([1, 0, 1, 1, 0]) > 0).tolist() == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_nodes_of_unknown_groups_teach_nothing(table_of: TableOf, facts: Facts) -> None:
    place = [[x, 10, 10] for x in (5, 15, 25)]
    event = {"place": place, "semantic": [1] * 3, "fragment": [0, 1, 2], "voxel_group": [4, -1, 4]}
    batch = GrappaCodec(GrappaTrackConfig(), facts, {}).encode(table_of([event]))
    assert batch.targets["counts"]["edge"] == 2
    raw = raw_answers(batch, {})
    assert losses(GrappaTrackConfig(), facts, batch, raw)["edge"][1] == 2


def test_classes_that_nobody_knows_cannot_be_balanced(table_of: TableOf, facts: Facts) -> None:
    event = {
        "place": [[1, 1, 1]],
        "semantic": [1],
        "fragment": [0],
        "voxel_group": [0],
        "interaction": [0],
        "pid": [-1],
        "particle_id": [0],
        "particle_primary": [-1],
    }
    with pytest.raises(DataError, match="no training particle has a known"):
        GrappaCodec.fit(GrappaInteractionConfig(), facts, [table_of([event])])
    assert GrappaCodec.fit(GrappaInteractionConfig(balance=False), facts, []) == {}
    assert GrappaCodec.fit(GrappaShowerConfig(), facts, []) == {}
