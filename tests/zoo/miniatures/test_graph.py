"""mini-graph: fragments from voxels, batching of graphs, metrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.api import Ragged, Table
from zoo.engine.tensors import to_tensors
from zoo_miniatures.graph.baselines import Nearest
from zoo_miniatures.graph.codec import GraphCodec
from zoo_miniatures.graph.config import EdgeNetConfig, FragmentsConfig, NearestConfig
from zoo_miniatures.graph.metrics import EdgeMetrics
from zoo_miniatures.graph.models import networks
from zoo_miniatures.graph.sources import Fragments
from zoo_miniatures.points.config import EventsConfig
from zoo_miniatures.points.sources import Events

SIMULATOR = Events(EventsConfig())
LINK = Fragments(FragmentsConfig())


def linked(count: int) -> Table:
    samples = SIMULATOR.simulate(np.arange(count, dtype=np.uint64), LINK.needs | {"label"})
    score = Ragged(samples["label"].values.astype(np.float32), samples["label"].offsets)
    return LINK.link(samples, Table({"id": samples.ids, "score": score}))


def test_a_link_by_hand():
    # Cells of four: voxels 0, 1 are one fragment, 2 and 3 one each; 0, 1, 2 are particle 0.
    voxels = Ragged.of([np.array([[0, 0, 0], [3, 3, 3], [4, 0, 0], [8, 0, 0]], np.int32)])
    particle = Ragged.of([np.array([0, 0, 0, 1], np.int32)])
    score = Ragged.of([np.array([0.2, 0.4, 0.6, 1.0], np.float32)])
    ids = np.array([5], np.uint64)
    made = LINK.link(
        Table({"id": ids, "voxels": voxels, "particle": particle}),
        Table({"id": ids, "score": score}),
    )
    np.testing.assert_allclose(
        made["nodes"][0],
        [[2.0, 2.0, 2.0, 0.3, 2], [4.5, 0.5, 0.5, 0.6, 1], [8.5, 0.5, 0.5, 1.0, 1]],
        rtol=1e-6,
    )
    assert made["edges"][0].tolist() == [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]]
    assert made["same"][0].tolist() == [1, 0, 1, 0, 0, 0]
    assert made.ids.tolist() == [5]


def test_a_batch_of_graphs_predicts_as_each_alone():
    samples = linked(5)
    codec = GraphCodec(EdgeNetConfig(), SIMULATOR.facts, {})
    torch.manual_seed(0)
    net = networks(EdgeNetConfig(), {})["net"]

    def predict(table: Table) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        batch = to_tensors(codec.encode(table), torch.device("cpu"))
        values = codec.decode(net(**batch.inputs).detach().numpy(), table)["probability"].values
        return np.asarray(values, np.float32)

    alone = np.concatenate([predict(samples.take([row])) for row in range(5)])
    np.testing.assert_allclose(predict(samples), alone, atol=1e-6)


def test_metrics_by_hand():
    ids = np.arange(2, dtype=np.uint64)
    offsets = np.array([0, 3, 5])
    same = Ragged(np.array([1, 1, 0, 0, 1], np.float32), offsets)
    found = Ragged(np.array([0.9, 0.1, 0.8, 0.2, 0.7], np.float32), offsets)
    metrics = EdgeMetrics({})
    rows = metrics.measure(
        Table({"id": ids, "same": same}), Table({"id": ids, "probability": found})
    )
    numbers = {n.name: n.value for n in metrics.summarise(rows)}
    assert numbers["efficiency"] == pytest.approx(100 * 2 / 3)  # 2 of 3 true pairs
    assert numbers["purity"] == pytest.approx(100 * 2 / 3)  # 2 of 3 found pairs
    assert numbers["F1"] == pytest.approx(100 * 2 / 3)


def test_the_baseline_joins_what_is_near():
    ids = np.array([1], np.uint64)
    nodes = Ragged.of([np.array([[0, 0, 0, 0, 1], [3, 0, 0, 0, 1], [9, 0, 0, 0, 1]], np.float32)])
    edges = Ragged.of([np.array([[0, 1], [1, 2]])])
    made = Nearest(NearestConfig(distance=5.0), {}).predict(
        Table({"id": ids, "nodes": nodes, "edges": edges})
    )
    assert made["probability"].values.tolist() == [1.0, 0.0]
