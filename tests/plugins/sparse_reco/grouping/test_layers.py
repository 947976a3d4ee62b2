"""The network equals a calculation in plain loops and float64; order is of no matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from zoo.api import Table
from zoo_sparse_reco.grouping.codec import GrappaCodec
from zoo_sparse_reco.grouping.config import (
    GrappaInteractionConfig,
    GrappaShowerConfig,
    GrappaTrackConfig,
)
from zoo_sparse_reco.grouping.models.grappa import Grappa, answers, heads_of
from zoo_sparse_reco.grouping.models.layers import Perceptron, largest_at

SMALL: dict[str, Any] = {"width": 5, "layers": 2, "depth": 2}
CASES: dict[str, Any] = {
    "shower": GrappaShowerConfig.model_validate(SMALL),
    "track": GrappaTrackConfig.model_validate(SMALL),
    "interaction": GrappaInteractionConfig.model_validate(
        {**SMALL, "momentum_loss": "berhu", "vertices": True}
    ),
}
EPS = 1e-4


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


def network(name: str) -> Grappa:
    """In float64, with running averages of its own."""
    net = Grappa(CASES[name]).double().eval()
    with torch.no_grad():
        for key, one in net.state_dict().items():
            if one.is_floating_point():
                draw = torch.rand_like if key.endswith("var") else torch.randn_like
                one.add_(draw(one), alpha=0.2)
    return net


def graph(net: Grappa, nodes: int = 6) -> dict[str, torch.Tensor]:
    """Node 5 has no edge, node 4 none that leads to it."""
    pairs = torch.tensor([[0, 1], [1, 0], [0, 2], [2, 0], [4, 1], [3, 2], [2, 3]])
    return {
        "nodes": torch.randn(nodes, net.node_norm.num_features, dtype=torch.float64),
        "edges": torch.randn(len(pairs), 19, dtype=torch.float64),
        "edge_from": pairs[:, 0].int(),
        "edge_to": pairs[:, 1].int(),
    }


# ---- the same in plain numbers -------------------------------------------------------------------

Row = list[float]


def norm(row: Row, module: nn.Module, state: dict[str, Any]) -> Row:
    mean, variance = state["running_mean"], state["running_var"]
    weight, bias = state["weight"], state["bias"]
    return [
        (value - mean[k]) / (variance[k] + EPS) ** 0.5 * weight[k] + bias[k]
        for k, value in enumerate(row)
    ]


def linear(row: Row, weight: Any, bias: Any = None) -> Row:
    found = []
    for out in range(len(weight)):
        total = sum(float(weight[out][k]) * row[k] for k in range(len(row)))
        found.append(total + (float(bias[out]) if bias is not None else 0.0))
    return found


def arrays(module: nn.Module) -> dict[str, Any]:
    return {name: one.detach().numpy() for name, one in module.state_dict().items()}


def perceptron(row: Row, module: Perceptron) -> Row:
    """Linear, normalised, leaky; again."""
    layers = list(module)
    for start in range(0, len(layers), 3):
        row = linear(row, arrays(layers[start])["weight"])
        row = norm(row, layers[start + 1], arrays(layers[start + 1]))
        row = [value if value > 0 else 0.1 * value for value in row]
    return row


def plain(net: Grappa, inputs: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Message passing as the paper words it."""
    nodes = [norm(r, net.node_norm, arrays(net.node_norm)) for r in inputs["nodes"].tolist()]
    edges = [norm(r, net.edge_norm, arrays(net.edge_norm)) for r in inputs["edges"].tolist()]
    ends = list(zip(inputs["edge_from"].tolist(), inputs["edge_to"].tolist(), strict=True))
    for number, update in enumerate(net.edge_updates):
        edges = [
            perceptron([*nodes[one], *nodes[other], *edges[e]], update.update)  # type: ignore[arg-type]
            for e, (one, other) in enumerate(ends)
        ]
        if number == len(net.node_updates):
            break
        step: Any = net.node_updates[number]
        messages: dict[int, Row] = {}
        for e, (one, other) in enumerate(ends):
            message = perceptron([*nodes[one], *edges[e]], step.message)
            before = messages.get(other, message)
            messages[other] = [max(pair) for pair in zip(before, message, strict=True)]
        width = len(edges[0])
        nodes = [
            perceptron([*row, *messages.get(k, [0.0] * width)], step.update)
            for k, row in enumerate(nodes)
        ]
    head = arrays(net.edge_head)
    found = {"edge": [linear(row, head["weight"], head["bias"]) for row in edges]}
    for name, module in net.heads.items():
        head = arrays(module)
        found[name] = [linear(row, head["weight"], head["bias"]) for row in nodes]
    return found


@pytest.mark.parametrize("name", list(CASES))
def test_the_network_is_the_calculation(name: str) -> None:
    net = network(name)
    inputs = graph(net)
    with torch.no_grad():
        found = net(**inputs)
    expected = plain(net, inputs)
    assert set(found) == set(expected) == {"edge", *heads_of(CASES[name])}
    for key, rows in expected.items():
        np.testing.assert_allclose(found[key].numpy(), np.array(rows), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", list(CASES))
def test_order_is_of_no_matter(name: str) -> None:
    """Nodes and edges in another order have the same answers, in that order; in training too."""
    net = network(name)
    inputs = graph(net)
    nodes, edges = torch.randperm(6), torch.randperm(len(inputs["edges"]))
    place = torch.argsort(nodes)
    other = {
        "nodes": inputs["nodes"][nodes],
        "edges": inputs["edges"][edges],
        "edge_from": place[inputs["edge_from"][edges].long()].int(),
        "edge_to": place[inputs["edge_to"][edges].long()].int(),
    }
    for training in (False, True):
        net.train(training)
        with torch.no_grad():
            first, second = net(**inputs), net(**other)
        for key, values in first.items():
            expected = values[edges] if key == "edge" else values[nodes]
            torch.testing.assert_close(second[key], expected, rtol=1e-9, atol=1e-9)


def test_the_sizes_of_the_reference() -> None:
    """Widths 64 and 128, three rounds, depth three; counted by hand from the layers."""

    def linear_layers(inputs: int, width: int) -> int:
        # Three matrices without bias, three normalisations of two numbers a column.
        return inputs * width + 2 * width * width + 3 * 2 * width

    def count(nodes: int, width: int, heads: list[int]) -> int:
        total, edges = 2 * (nodes + 19), 19
        for number in range(3):
            total += linear_layers(2 * nodes + edges, width)
            edges = width
            if heads or number < 2:
                total += linear_layers(nodes + edges, width) + linear_layers(nodes + width, width)
                nodes = width
        return total + 2 * (width + 1) + sum(out * (width + 1) for out in heads)

    for config, nodes, heads in (
        (GrappaShowerConfig(), 33, [2]),
        (GrappaTrackConfig(), 32, []),
        (GrappaInteractionConfig(momentum_loss="log-cosh", vertices=True), 33, [2, 6, 1, 3]),
    ):
        found = sum(one.numel() for one in Grappa(config).parameters())
        assert found == count(nodes, config.width, heads)


def test_the_largest_message() -> None:
    values = torch.tensor([[1.0, -5.0], [3.0, -7.0], [-2.0, -1.0]], requires_grad=True)
    found = largest_at(values, torch.tensor([2, 2, 0]), torch.rand(4, 3))
    assert found.tolist() == [[-2, -1], [0, 0], [3, -5], [0, 0]]
    found.sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [[0, 1], [1, 0], [1, 1]]
    assert (
        largest_at(values[:0], torch.zeros(0, dtype=torch.long), torch.rand(2, 1)).tolist()
        == [[0, 0]] * 2
    )


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("nodes", [0, 1, 2])
def test_small_graphs_train(name: str, nodes: int) -> None:
    """No node, one node, one pair: normalisations have nothing to average over."""
    net = Grappa(CASES[name]).train()
    edges = 2 if nodes == 2 else 0
    from_ = torch.arange(edges).int()
    inputs = {
        "nodes": torch.randn(nodes, net.node_norm.num_features),
        "edges": torch.randn(edges, 19),
        "edge_from": from_,
        "edge_to": 1 - from_,
    }
    found = answers(net(**inputs))
    assert len(found["edge_score"]) == edges
    sum(one.sum() for one in found.values()).backward()  # type: ignore[union-attr]
    assert all(torch.isfinite(one).all() for one in found.values())


def test_events_do_not_see_each_other(
    random_events: Callable[..., Table], facts: dict[str, Any]
) -> None:
    """An event beside others has the answers that it has alone."""
    samples = random_events(3, seed=8)
    codec = GrappaCodec(CASES["interaction"], facts, {})
    net = network("interaction")

    def run(table: Table) -> dict[str, Any]:
        inputs = codec.encode(table).inputs
        doubled = {k: torch.tensor(v) for k, v in inputs.items()}
        for key in ("nodes", "edges"):
            doubled[key] = doubled[key].double()
        with torch.no_grad():
            return {key: one.numpy() for key, one in net(**doubled).items()}

    whole, parts = run(samples), [run(samples.take([row])) for row in range(3)]
    for key, values in whole.items():
        np.testing.assert_allclose(values, np.concatenate([p[key] for p in parts]), rtol=1e-9)
