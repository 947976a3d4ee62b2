"""The figures show the numbers, and displays show every voxel, whatever models tell."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from zoo.api import Drawing, Evaluation, Interactive, Ragged, Table
from zoo.evaluation import Resampler, numbers_of
from zoo_sparse_reco.drawings.displays import MOST_VIEWS, display
from zoo_sparse_reco.drawings.interactive import MOST_VOXELS, interactive
from zoo_sparse_reco.drawings.views import aligned, event_of
from zoo_sparse_reco.figures import EventFigures
from zoo_sparse_reco.metrics import EventMetrics
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

GRID = VoxelGrid(name="<b>test</b>", shape=(192, 192, 192), voxel_mm=3.0)
NAMES = ("shower", "track", "michel", "delta", "low-energy")
ROLES = {"runs/net": "model", "classes only": "model", "sparse/old": "baseline", "true": "oracle"}


def predictions(samples: Table, name: str) -> Table:
    """Truth with mistakes; one model tells classes alone."""
    random, semantic = np.random.default_rng(len(name)), samples["semantic"]
    wrong = random.random(len(semantic.values)) < (0 if name == "true" else 0.15)
    found = np.where(wrong, random.integers(0, 6, len(wrong)), semantic.values).astype(np.int8)
    columns: dict[str, Any] = {"semantic": Ragged(found, semantic.offsets)}
    if name != "classes only" and "fragment" in samples:
        columns |= {key: samples[key] for key in samples if key.startswith("point_")}
        columns["fragment"] = samples["fragment"]
        shift = random.normal(0, 1, len(samples["point_x"].values))
        column = samples["point_x"]
        columns["point_x"] = Ragged((column.values + shift).astype("f4"), column.offsets)
    return Table({"id": samples.ids, **columns})


def drawn(samples: Table, roles: Mapping[str, str], shown: int = 1) -> dict[str, Drawing]:
    metrics = EventMetrics(GRID.facts)
    tables = {name: predictions(samples, name) for name in roles}
    resampler = Resampler(metrics, resamples=20)
    evaluations = {}
    for name, role in roles.items():
        rows = metrics.measure(samples, tables[name])
        rows = rows.with_columns({"group": np.array([str(one) for one in rows.ids])})
        evaluations[name] = Evaluation(
            model=name, role=role, numbers=numbers_of(resampler, rows), rows=rows
        )
    evaluations["missing"] = Evaluation(
        model="missing", role="baseline", numbers=(), rows=None, unavailable="needs plane_charge"
    )
    chosen = samples.take(slice(0, shown))
    figures = EventFigures(GRID.facts).draw(
        evaluations, chosen, {name: table.take(slice(0, shown)) for name, table in tables.items()}
    )
    found = {one.name: one for one in figures}
    for one in found.values():
        FigureCanvasAgg(one.figure).draw()
    return found


@pytest.fixture(scope="module")
def all_figures(drawn_events: Table) -> dict[str, Drawing]:
    return drawn(drawn_events, ROLES)


def test_every_figure_is_there(all_figures: dict[str, Drawing]) -> None:
    assert list(all_figures) == [
        "class-f1",
        "confusions",
        "against-size",
        "ghosts",
        "point-distances",
        "fragments",
        "event-1",
    ]
    for one in all_figures.values():
        assert one.caption.endswith(".")
        assert all(column.dtype == np.float64 for column in one.data.values())


def test_confusions_are_shares_of_the_true_class(
    all_figures: dict[str, Drawing], drawn_events: Table
) -> None:
    data = all_figures["confusions"].data
    for name in (*NAMES, "ghost"):
        assert data[f"runs/net: true {name} [%]"].sum() == pytest.approx(100)
        np.testing.assert_array_equal(
            data[f"true: true {name} [%]"] > 0, np.array((*NAMES, "ghost")) == name
        )
    total = sum(data[f"runs/net: true {name} [voxels]"].sum() for name in (*NAMES, "ghost"))
    assert total == len(drawn_events["semantic"].values)


def test_f1_has_intervals_about_its_value(all_figures: dict[str, Drawing]) -> None:
    data = all_figures["class-f1"].data
    value, low, high = (data[f"runs/net: {k}"] for k in ("value [%]", "low", "high"))
    assert len(value) == 6
    assert np.all((low <= value + 1e-9) & (value <= high + 1e-9))
    assert value[5] == pytest.approx(value[:5].mean())
    assert data["true: value [%]"] == pytest.approx(np.full(6, 100))


def test_point_distances_reach_all_points(all_figures: dict[str, Drawing]) -> None:
    data = all_figures["point-distances"].data
    share = data["runs/net: true points [%]"]
    assert np.all(np.diff(share) >= 0)
    assert share[-1] == 100
    assert "classes only: true points [%]" not in data


def test_ghosts_and_fragments(all_figures: dict[str, Drawing]) -> None:
    assert all_figures["ghosts"].data["true: ghost purity [%]"] == pytest.approx(np.full(6, 100))
    data = all_figures["fragments"].data
    assert data["true: adjusted Rand index [% of events]"][-1] == 100
    assert not any(name.startswith("classes only") for name in data)


def test_the_table_of_a_display_holds_the_event(
    all_figures: dict[str, Drawing], drawn_events: Table
) -> None:
    shown = all_figures["event-1"]
    np.testing.assert_array_equal(shown.data["truth: class"], drawn_events["semantic"][0])
    np.testing.assert_allclose(shown.data["energy [MeV]"], drawn_events["deposit"][0])
    assert "classes only: fragment" not in shown.data
    # Truth and the first three models, in four rows.
    assert len(shown.figure.axes) == 4 * MOST_VIEWS
    titles = [axes.get_title() for axes in shown.figure.axes[:MOST_VIEWS]]
    assert titles == ["truth", "runs/net", "classes only", "sparse/old"]


def test_what_is_not_known_is_not_drawn(drawn_events: Table) -> None:
    known = ["voxel_x", "voxel_y", "voxel_z", "deposit", "semantic"]
    semantic = drawn_events["semantic"]
    signal = Ragged(np.minimum(semantic.values, 4), semantic.offsets)
    samples = drawn_events.select(known).with_columns({"semantic": signal})
    metrics = EventMetrics(GRID.facts)
    table = Table({"id": samples.ids, "semantic": signal})
    rows = metrics.measure(samples, table)
    rows = rows.with_columns({"group": np.array([str(one) for one in rows.ids])})
    numbers = numbers_of(Resampler(metrics, resamples=10), rows)
    one = Evaluation(model="net", role="model", numbers=numbers, rows=rows)
    found = [d.name for d in EventFigures(GRID.facts).draw({"net": one}, None, {})]
    assert found == ["class-f1", "confusions", "against-size"]
    assert not list(EventFigures(GRID.facts).draw({}, None, {}))


# ---- the interactive display --------------------------------------------------------------------


def shown(samples: Table) -> Interactive:
    tables = {"<script>alert(1)</script>": predictions(samples, "runs/net")}
    return interactive(event_of(samples, tables, 0), GRID, NAMES)


def test_an_event_travels_whole(drawn_events: Table) -> None:
    data = shown(drawn_events).data
    assert json.loads(json.dumps(data)) == data
    place = np.frombuffer(base64.b64decode(data["place"]), "<u2").reshape(-1, 3)
    np.testing.assert_array_equal(place[:, 0], drawn_events["voxel_x"][0])
    energy = np.frombuffer(base64.b64decode(data["energy"]), "<f4")
    np.testing.assert_array_equal(energy, drawn_events["deposit"][0])
    truth = data["views"][0]
    fragment = np.frombuffer(base64.b64decode(truth["clusters"]["fragment"]), "<u2").astype(int)
    np.testing.assert_array_equal(
        np.where(fragment == 65535, -1, fragment), drawn_events["fragment"][0]
    )
    assert len(truth["points"]) == len(truth["point_end"]) == 5
    assert data["by"] == ["class", "fragment"]
    assert len(data["colours"]) == len(data["classes"]) == 7


def test_a_stage_shows_its_own_clusters(drawn_events: Table) -> None:
    """Of a model that tells no classes; its numbers are those of the truth it is most of."""
    samples = drawn_events.with_columns({"interaction": drawn_events["particle"]})
    fragment = samples["fragment"]
    other = Ragged(np.where(fragment.values < 0, -1, 50 - fragment.values), fragment.offsets)
    model = Table({"id": samples.ids, "fragment": other})
    kinds = ("fragment", "interaction")
    event = event_of(samples, {"net": model}, 0, kinds)
    truth, net = event.views
    assert list(truth.clusters) == list(kinds)
    assert list(net.clusters) == ["fragment"]
    np.testing.assert_array_equal(net.clusters["fragment"], fragment[0])
    np.testing.assert_array_equal(net.semantic, truth.semantic)
    drawing = display(event, GRID, NAMES, "one", (*kinds, "class"))
    assert len(drawing.figure.axes) == 5 * 2
    assert drawing.interactive is not None
    assert drawing.interactive.data["by"] == [*kinds, "class"]
    assert set(drawing.interactive.data["views"][0]["clusters"]) == set(kinds)


def test_clusters_are_numbered_as_the_truth() -> None:
    true = np.array([4, 4, 4, 4, 2, 2, -1, 7])
    found = np.array([0, 0, 0, 9, 9, 9, 5, -1])
    # 0 is most of 4, then 9 most of 2; 5 overlaps nothing and gets a number of its own.
    assert aligned(found, true).tolist() == [4, 4, 4, 2, 2, 2, 8, -1]
    assert aligned(found, None).tolist() == found.tolist()
    assert aligned(found[:0], true[:0]).tolist() == []


def test_of_a_large_event_the_voxels_of_most_energy_are_kept() -> None:
    count = MOST_VOXELS + 10
    number = np.arange(count)
    columns = {
        "voxel_x": (number % 512).astype("u2"),
        "voxel_y": (number // 512).astype("u2"),
        "voxel_z": np.zeros(count, "u2"),
        "deposit": np.where(number < 10, 0.01, 1).astype("f4"),
        "semantic": np.ones(count, "i1"),
    }
    rows = {name: Ragged.of([values]) for name, values in columns.items()}
    data = shown(Table({"id": np.zeros(1, np.uint64), **rows})).data
    assert data["voxels"] == count
    energy = np.frombuffer(base64.b64decode(data["energy"]), "<f4")
    assert len(energy) == MOST_VOXELS
    assert energy.min() == 1


def test_the_page_and_script_fetch_nothing_and_make_no_tags(drawn_events: Table) -> None:
    page = shown(drawn_events)
    assert "alert(1)" not in page.markup + page.script  # names are in the data alone
    assert not re.search(r"https?:|//cdn|import |fetch\(|XMLHttp|WebSocket", page.script)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", page.script)
    assert not re.search(r"<script|\son\w+=|src=|href=", page.markup)
    used = set(re.findall(r'find\("(\w+)"\)', page.script))
    assert used <= set(re.findall(r'id="(\w+)"', page.markup))


@pytest.mark.skipif(shutil.which("node") is None, reason="node is absent")
def test_the_arithmetic_of_the_script() -> None:
    """Seen along z, x is to the right and y up; seen along x from below zero, z is to the right."""
    script = (files("zoo_sparse_reco.drawings") / "event.js").read_text(encoding="utf-8")
    asked = """
    const place = Float32Array.from([3, 5, 9]), none = [0, 0];
    const seen = (turn) => [...projected(place, [1, 1, 1], axesOf(turn, 0), 2, none)];
    const tilted = axesOf(-0.6, 0.4);
    const dot = (a, b) => a.reduce((sum, v, k) => sum + v * b[k], 0);
    console.log(JSON.stringify({
      xy: seen(0), zy: seen(-Math.PI / 2).map((v) => Math.round(v * 1e4) / 1e4),
      order: [...fromFarToNear(Float32Array.from([0, 0, 5, 0, 0, -1, 0, 0, 2]))],
      bytes: [...unpacked("AQACAP//", "u2")], floats: [...unpacked("AADAPw==", "f4")],
      box: boxOf(Float32Array.from([1, 2, 3, 4, 2, 3])), none: boxOf(new Float32Array()).size,
      heats: [heat(0), heat(1), heat(7)], units: tilted.map((a) => tilted.map((b) => dot(a, b))),
    }));
    """
    done = subprocess.run(
        ["node", "-e", script + asked], capture_output=True, text=True, check=True, timeout=60
    )
    told = json.loads(done.stdout)
    assert told["xy"] == [4, -8, 8]
    assert told["zy"] == [16, -8, -2]
    assert told["order"] == [1, 2, 0]
    assert told["bytes"] == [1, 2, 65535]
    assert told["floats"] == [1.5]
    assert told["box"] == {"low": [1, 2, 3], "centre": [3, 2.5, 3.5], "size": [4, 1, 1]}
    assert told["none"] == [1, 1, 1]
    assert told["heats"] == ["rgb(13,8,135)", "rgb(240,249,33)", "rgb(240,249,33)"]
    np.testing.assert_allclose(told["units"], np.eye(3), atol=1e-12)
