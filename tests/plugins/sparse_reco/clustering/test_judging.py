"""Metrics by hand, and figures that show them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from zoo.api import DataError, Evaluation, Ragged, Table
from zoo.evaluation import Resampler, numbers_of
from zoo.report.published import PublishedValue
from zoo_sparse_reco.clustering.baselines import Dbscan, TrueFragments
from zoo_sparse_reco.clustering.config import DbscanConfig, TrueFragmentsConfig
from zoo_sparse_reco.clustering.figures import ClusterFigures
from zoo_sparse_reco.clustering.metrics import ClusterMetrics
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

Drawn = Callable[..., Table]
Make = Callable[[Sequence[Mapping[str, Any]]], Table]


def predicted(samples: Table, *rows: Sequence[int]) -> Table:
    fragment = Ragged.of([np.array(row, np.int32) for row in rows])
    return Table({"id": samples.ids, "fragment": fragment})


def values(metrics: ClusterMetrics, rows: Table) -> dict[str, float]:
    return {one.name: one.value for one in metrics.summarise(rows)}


def test_one_event_by_hand(table: Make, grid: VoxelGrid) -> None:
    """A track in halves, a shower whole, low energy that is not judged, a voxel of no fragment."""
    event = {
        "voxels": [[1, 1, z] for z in range(9)],
        "semantic": [1, 1, 1, 1, 0, 0, 4, 5, 3],
        "fragment": [4, 4, 4, 4, 6, 6, 7, -1, 8],
        "interaction": [2, 2, 2, 2, 3, 3, -1, -1, 3],
    }
    samples = table([event])
    metrics = ClusterMetrics(grid.facts)
    rows = metrics.measure(samples, predicted(samples, [0, 0, 1, 1, 2, 2, 3, 3, -1]))
    found = values(metrics, rows)
    assert found["fragment efficiency"] == pytest.approx(100 * (0.5 + 1 + 1) / 3)
    assert found["fragment purity"] == pytest.approx(100)
    assert found["track fragment efficiency"] == pytest.approx(50)
    assert found["shower fragment ARI"] == pytest.approx(100)
    assert np.isnan(found["michel fragment ARI"])
    assert found["events of a fragment ARI above 92 %"] == 0
    assert (rows["voxels"][0], rows["interactions"][0]) == (8, 2)
    assert rows["visible_energy"][0] == pytest.approx(4)
    assert rows["fragment_size"][0].tolist() == [4, 2, 1]
    assert rows["fragment_found"][0].tolist() == [0.5, 1, 1]
    assert rows["fragment_class"][0].tolist() == [1, 0, 3]


def test_numbers_are_the_same_over_shards(drawn: Drawn, grid: VoxelGrid) -> None:
    samples = drawn(4)
    metrics = ClusterMetrics(grid.facts)
    found = Dbscan(DbscanConfig(break_radius=0), grid.facts).predict(samples)
    whole = values(metrics, metrics.measure(samples, found))
    parts = [
        metrics.measure(samples.take(some), found.take(some)) for some in (slice(0, 1), slice(1, 4))
    ]
    for name, value in values(metrics, Table.concat(parts)).items():
        assert value == pytest.approx(whole[name], nan_ok=True), name
    assert not any(name.startswith("Michel") for name in whole)


def test_what_is_not_known_is_not_measured(drawn: Drawn, grid: VoxelGrid) -> None:
    samples, metrics = drawn(2), ClusterMetrics(grid.facts)
    found = predicted(samples, *([0] * len(row) for row in samples["deposit"]))
    rows = metrics.measure(samples.select(["deposit"]), found)
    assert all(np.isnan(value) for value in values(metrics, rows).values())
    assert np.isnan(rows["interactions"]).all()
    with pytest.raises(DataError, match="fragments of 1 voxels"):
        metrics.measure(samples, predicted(samples, [0], [0]))


def test_published_values_are_those_of_the_papers() -> None:
    """Of arXiv:2007.03083 and arXiv:2006.14745, as the table of a report reads them."""
    text = (files("zoo_sparse_reco.clustering") / "published.toml").read_text(encoding="utf-8")
    values = [PublishedValue.model_validate(value) for value in tomllib.loads(text)["value"]]
    assert [(value.source.rpartition(":")[2], value.value) for value in values] == [
        ("2007.03083", "90 %"),
        ("2007.03083", "> 96 %, > 96 %"),
        ("2006.14745", "96 %, 93 %, 91 %"),
    ]


def test_figures_show_the_numbers(drawn: Drawn, grid: VoxelGrid) -> None:
    samples, metrics = drawn(5), ClusterMetrics(grid.facts)
    tables = {
        "dbscan": Dbscan(DbscanConfig(break_radius=0), grid.facts).predict(samples),
        "true": TrueFragments(TrueFragmentsConfig(), grid.facts).predict(samples),
    }
    evaluations = {}
    for name, role in (("dbscan", "baseline"), ("true", "oracle")):
        rows = metrics.measure(samples, tables[name])
        rows = rows.with_columns({"group": np.array([str(one) for one in rows.ids])})
        numbers = numbers_of(Resampler(metrics, resamples=10), rows)
        evaluations[name] = Evaluation(model=name, role=role, numbers=numbers, rows=rows)
    figures = ClusterFigures(grid.facts)
    shown = {name: one.take([0]) for name, one in tables.items()}
    drawings = {one.name: one for one in figures.draw(evaluations, samples.take([0]), shown)}
    names = ["fragments", "by-class", "fragment-size", "against-size", "event-1"]
    assert list(drawings) == names
    for one in drawings.values():
        FigureCanvasAgg(one.figure).draw()
        assert one.caption.endswith(".")
    whole = {n.number.name: n.number.value for n in evaluations["dbscan"].numbers if not n.column}
    data = drawings["by-class"].data["dbscan: ARI [%]"]
    expected = [whole["fragment ARI"], whole["shower fragment ARI"], whole["track fragment ARI"]]
    np.testing.assert_allclose(data, expected)
    sizes = drawings["fragment-size"].data
    assert sizes["dbscan: track [fragments]"].sum() == 10
    assert np.nanmin(sizes["true: shower [%]"]) == 100
    event = drawings["event-1"]
    assert event.interactive is not None
    assert event.interactive.data["by"] == ["fragment", "class"]
    assert [view["name"] for view in event.interactive.data["views"]] == ["truth", "dbscan", "true"]
    assert not list(figures.draw({}, None, {}))
