"""Features of nodes and edges equal a slow reference, written plainly, on random clusters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo_sparse_reco.grouping.config import (
    GrappaInteractionConfig,
    GrappaShowerConfig,
    GrappaTrackConfig,
)
from zoo_sparse_reco.grouping.features import closest as module
from zoo_sparse_reco.grouping.features.closest import closest_pairs
from zoo_sparse_reco.grouping.graph import Graph, graph_of
from zoo_sparse_reco.grouping.nodes import nodes_of
from zoo_sparse_reco.grouping.stages import STAGES, common_classes, distance_matrix
from zoo_sparse_reco.points.fragments import places_of

RandomEvents = Callable[..., Table]
CONFIGS: tuple[Any, ...] = (GrappaShowerConfig, GrappaTrackConfig, GrappaInteractionConfig)
# As the reference lists them, shape by shape.
ORDER = ((0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3))


def slow_shape(place: Any) -> list[float]:
    """Centre, covariance, principal axis and size of one cluster, by the definition."""
    centre = [sum(float(one[k]) for one in place) / len(place) for k in range(3)]
    if len(place) == 1:
        return [*centre, *[0.0] * 12, 1.0]
    relative = [[float(one[k]) - centre[k] for k in range(3)] for one in place]
    covariance = np.array(
        [[sum(one[i] * one[j] for one in relative) for j in range(3)] for i in range(3)]
    )
    values, vectors = np.linalg.eigh(covariance)
    axis = vectors[:, 2]
    spread = 0.0
    for one in relative:
        along = float(np.dot(one, axis))
        spread += along * float(np.linalg.norm(np.array(one) - along * axis))
    axis = (-axis if spread < 0 else axis) * (1 - values[1] / values[2])
    return [*centre, *(covariance / values[2]).ravel(), *axis, float(len(place))]


def slow_node(place: Any, energy: Any, kind: int, start: Any, end: Any) -> list[float]:
    """All 33, given both ends."""
    mean = sum(energy) / len(energy)
    variance = sum((one - mean) ** 2 for one in energy) / len(energy)
    found = [*slow_shape(place), mean, float(np.sqrt(variance)), float(kind), *start, *end]
    tails = []
    for point in (start, end):
        near = [k for k, one in enumerate(place) if np.linalg.norm(one - point) <= 5.0]
        way = np.mean([place[k] - point for k in near], axis=0) if near else np.zeros(3)
        length = float(np.linalg.norm(way))
        found += list(way / length) if length > 0 else [0.0] * 3
        longest = max((float(np.linalg.norm(place[k] - point)) for k in near), default=0.0)
        told = len(near) >= 2 and longest > 0
        tails.append(sum(float(energy[k]) for k in near) / longest if told else 0.0)
    return [*found, *tails]


def slow_edge(first: Any, second: Any) -> list[float]:
    """All 19, of the closest voxels."""
    way = first - second
    distance = float(np.linalg.norm(way))
    unit = way / distance
    return [*first, *second, *unit, distance, *np.outer(unit, unit).ravel()]


def clusters_of(graph: Graph, samples: Table) -> list[Any]:
    place = places_of(samples) + 0.5
    nodes = graph.nodes
    rows = [nodes.voxel[nodes.offsets[k] : nodes.offsets[k + 1]] for k in range(len(nodes))]
    return [(place[one], samples["deposit"].values[one].astype(np.float64)) for one in rows]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("points", [True, False])
def test_nodes(config: Any, points: bool, random_events: RandomEvents) -> None:
    samples = random_events(3, seed=1)
    graph = graph_of(samples, config(points=points), "spine")
    rows = [
        slow_node(place, energy, kind, start, end)
        for (place, energy), kind, start, end in zip(
            clusters_of(graph, samples),
            graph.nodes.semantic,
            graph.ends.start,
            graph.ends.end,
            strict=True,
        )
    ]
    expected = np.array(rows)
    if config is GrappaTrackConfig:
        expected = np.delete(expected, 18, axis=1)
    assert graph.features.shape == (len(graph.nodes), 32 if config is GrappaTrackConfig else 33)
    np.testing.assert_allclose(graph.features, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("config", CONFIGS)
def test_edges(config: Any, random_events: RandomEvents) -> None:
    """Pairs, their closest voxels and all features, by looking at every pair of voxels."""
    samples = random_events(3, seed=2)
    settings = config(distances=[30, 20, 10, 25, 40, 15, 0, 35, 12, 30])
    graph = graph_of(samples, settings, "spine")
    clusters, nodes = clusters_of(graph, samples), graph.nodes
    reach = dict(zip(ORDER, settings.distances, strict=True))
    expected: dict[tuple[int, int], float] = {}
    for one in range(len(nodes)):
        for other in range(len(nodes)):
            low, high = sorted((int(nodes.semantic[one]), int(nodes.semantic[other])))
            if one == other or nodes.event[one] != nodes.event[other]:
                continue
            apart = np.linalg.norm(clusters[one][0][:, None] - clusters[other][0][None], axis=2)
            if apart.min() < reach[low, high]:
                expected[one, other] = float(apart.min())
    edges = list(zip(graph.from_.tolist(), graph.to.tolist(), strict=True))
    assert len(edges) > 20
    assert len(set(edges)) == len(edges)
    assert set(edges) == set(expected)
    for row, (one, other) in enumerate(edges):
        first, second = graph.edge_features[row, :3], graph.edge_features[row, 3:6]
        for where, node in ((first, one), (second, other)):
            assert (clusters[node][0] == where).all(axis=1).any()
        assert np.linalg.norm(first - second) == pytest.approx(expected[one, other])
        np.testing.assert_allclose(graph.edge_features[row], slow_edge(first, second), atol=1e-12)
    # Both directions of a pair tell of the same voxels.
    np.testing.assert_array_equal(graph.edge_features[::2, :3], graph.edge_features[1::2, 3:6])
    np.testing.assert_array_equal(graph.from_[::2], graph.to[1::2])


def test_equally_close_voxels_are_chosen_by_a_rule(table_of: Callable[..., Table]) -> None:
    """Two parallel lines, and the same with clusters numbered the other way round."""
    lines = [[x, 5 + 4 * k, 5] for x in range(6) for k in range(2)]
    event = {"place": lines, "semantic": [0] * 12}
    for numbers in ([3, 8] * 6, [8, 3] * 6):
        samples = table_of([{**event, "fragment": numbers}])
        nodes = nodes_of(samples, STAGES[0], scheme="spine")
        place = places_of(samples)[nodes.voxel]
        pairs = closest_pairs(nodes, place, np.full((4, 4), 50.0))
        ends = {tuple(place[pairs.of_one[0]]), tuple(place[pairs.of_other[0]])}
        assert ends == {(0, 5, 5), (0, 9, 5)}


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, random_events: RandomEvents) -> None:
    """Searching in small portions finds the same."""
    samples = random_events(2, clusters=14, seed=3)
    nodes = nodes_of(samples, STAGES[2], scheme="spine")
    place = places_of(samples)[nodes.voxel]
    whole = closest_pairs(nodes, place, np.full((4, 4), 500.0))
    monkeypatch.setattr(module, "_AT_ONCE", 40)
    parts = closest_pairs(nodes, place, np.full((4, 4), 500.0))
    for name in ("one", "other", "of_one", "of_other"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_the_matrix_of_distances() -> None:
    """Showers reach Michel electrons and delta rays over 500 voxels, these each other not."""
    matrix = distance_matrix(GrappaShowerConfig().distances)
    assert matrix.tolist() == [[500, 0, 500, 500], [0, 0, 0, 0], [500, 0, 25, 0], [500, 0, 0, 25]]
    assert distance_matrix(GrappaTrackConfig().distances)[1, 1] == 100
    assert distance_matrix(GrappaInteractionConfig().distances)[0].tolist() == [500, 500, 0, 0]
    assert distance_matrix(GrappaInteractionConfig().distances)[1].tolist() == [500, 25, 25, 25]


def test_nodes_are_clusters_by_the_class_of_most_voxels(table_of: Callable[..., Table]) -> None:
    place = [[x, 1, 1] for x in range(10)]
    event = {
        "place": place,
        "fragment": [4, 4, 4, 2, 2, 7, 7, -1, -1, 9],
        "semantic": [1, 0, 1, 3, 2, 4, 4, 0, 5, 0],
    }
    samples = table_of([{**event, "place": place}, event])
    nodes = nodes_of(samples, STAGES[0], scheme="spine")
    assert nodes.number.tolist() == [2, 9, 2, 9]  # 4 is a track, 7 of low energy
    assert nodes.semantic.tolist() == [2, 0, 2, 0]  # of equally many the lower class
    assert nodes.event.tolist() == [0, 0, 1, 1]
    assert nodes.voxel.tolist() == [3, 4, 9, 13, 14, 19]
    large = nodes_of(samples, STAGES[0], scheme="spine", smallest=2)
    assert large.number.tolist() == [2, 2]
    assert nodes_of(samples, STAGES[1], scheme="spine").number.tolist() == [4, 4]
    assert nodes.to_voxels(nodes.number, 20)[:10].tolist() == [-1, -1, -1, 2, 2, -1, -1, -1, -1, 9]


def test_classes_of_both_schemes() -> None:
    every = np.array([0, 1, 2, 3, 4, 5, -1])
    assert common_classes(every, "spine").tolist() == [0, 1, 2, 3, -1, -1, -1]
    # hip, mip, shower, delta, michel
    assert common_classes(every, "hip-mip").tolist() == [1, 1, 0, 3, 2, -1, -1]


@pytest.mark.parametrize("config", CONFIGS)
def test_nothing_at_all(config: Any, table_of: Callable[..., Table]) -> None:
    """No voxel, one voxel, and no node of the stage."""
    empty: dict[str, Any] = {"place": [], "semantic": [], "fragment": [], "voxel_group": []}
    one = {"place": [[3, 3, 3]], "semantic": [1], "fragment": [0], "voxel_group": [0]}
    low = {"place": [[3, 3, 3]], "semantic": [4], "fragment": [-1], "voxel_group": [-1]}
    samples = table_of([empty, one, low])
    graph = graph_of(samples, config(), "spine")
    count = 0 if config is GrappaShowerConfig else 1
    assert len(graph.nodes) == len(graph.features) == count
    assert graph.edge_features.shape == (0, 19)
    assert np.isfinite(graph.features).all()
    if count:
        assert graph.ends.start.tolist() == [[3.5, 3.5, 3.5]]
    nothing = samples.take([0])
    assert graph_of(nothing, config(), "spine").features.shape[0] == 0
    assert isinstance(nothing["voxel_x"], Ragged)
