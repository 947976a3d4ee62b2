"""The figures show the numbers, tracks and pads where they belong, whatever models tell."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zoo.api import Drawing, Evaluation, Ragged, Table
from zoo.evaluation import Resampler, numbers_of
from zoo.registry import registry
from zoo.report.drawing_files import DPI
from zoo_ha_tpc.drawings.displays import TRACK, display, whole_tracks
from zoo_ha_tpc.drawings.styles import styles_of
from zoo_ha_tpc.figures import HaTpcFigures
from zoo_ha_tpc.metrics import PRIMARY, HaTpcMetrics, crossing
from zoo_ha_tpc.physics.pad_plane import read_plane
from zoo_ha_tpc.physics.resolution import limit
from zoo_ha_tpc.specs import SAMPLE
from zoo_ha_tpc.track_lengths import positions

PLANE = read_plane("ha-tpc")
COUNT = 600
NET = {"net": "model"}
MANY = {f"{'long-' * 14}net-{n}": "model" for n in range(4)} | {"ha-tpc/x": "baseline"}
HORIZONTAL, STEEP = 0, 1
ROLES = {
    "net": "model",
    "p_z-net": "model",
    "ha-tpc/track-fit": "baseline",
    "ha-tpc/oracle-fit": "oracle",
}


@cache
def samples() -> Table:
    """Half of the tracks cross the plane, half start far inside and go upwards."""
    random = np.random.default_rng(3)
    steep = np.arange(COUNT) % 2
    truth = {
        "q_over_pt": random.choice([-1, 1], COUNT) / random.uniform(0.2, 0.9, COUNT),
        "phi": np.where(steep, 1.0, 0.0),
        "y_ini": np.where(steep, 100.0, -20.0),
        "z_ini": np.where(steep, 900.0, 0.0),
    }
    truth["q_over_pt"][:2] = 1.0
    offsets = 3 * np.arange(COUNT + 1)
    hits = {
        "hit_row": Ragged(np.tile(np.array([30, 30, 31], np.uint8), COUNT), offsets),
        "hit_column": Ragged(np.tile(np.array([35, 36, 36], np.uint8), COUNT), offsets),
        "hit_charge": Ragged(np.tile(np.array([400, 200, 50], np.uint16), COUNT), offsets),
        "cluster_z": Ragged(np.tile(np.array([10, 500, 900], np.float32), COUNT), offsets),
        "cluster_y": Ragged(np.tile(np.array([-20, -10, 0], np.float32), COUNT), offsets),
    }
    truth = {name: values.astype(np.float32) for name, values in truth.items()}
    return Table({"id": np.arange(COUNT, dtype=np.uint64), **hits, **truth})


def predictions(name: str) -> Table:
    table, random = samples(), np.random.default_rng(len(name))
    p_z = np.cos(table["phi"]) / np.abs(table["q_over_pt"])
    if name == "p_z-net":
        columns = {"p_z": p_z * random.normal(1, 0.1, COUNT)}
    else:
        columns = {
            "q_over_pt": table["q_over_pt"] * random.normal(1, 0.05, COUNT),
            "q_over_pt_error": 0.05 * np.abs(table["q_over_pt"]),
            "phi": table["phi"] + random.normal(0, 0.003, COUNT),
            "y_ini": table["y_ini"] + 2.0,
            "z_ini": table["z_ini"] + random.normal(0, 1, COUNT),
        }
    return Table({"id": table.ids, **{n: v.astype(np.float32) for n, v in columns.items()}})


def drawn(models: Mapping[str, str], kept: int = COUNT, shown: int = 2) -> dict[str, Drawing]:
    metrics, table = HaTpcMetrics(PLANE.facts()), samples()
    evaluations, told = {}, {}
    for name, role in models.items():
        rows = metrics.measure(table.take(slice(kept)), predictions(name).take(slice(kept)))
        rows = rows.with_columns({"group": rows.ids})
        numbers = numbers_of(Resampler(metrics, resamples=2, seed=0), rows)
        evaluations[name] = Evaluation(model=name, role=role, numbers=numbers, rows=rows)
        told[name] = predictions(name).take(slice(shown))
    evaluations["absent"] = Evaluation(
        model="absent", role="baseline", numbers=(), rows=None, unavailable="needs x"
    )
    figures = HaTpcFigures(PLANE.facts()).draw(evaluations, table.take(slice(shown)), told)
    return {drawing.name: drawing for drawing in figures}


@pytest.fixture(scope="module")
def drawings() -> dict[str, Drawing]:
    return drawn(ROLES)


def save(drawing: Drawing) -> None:
    """As reports do; a warning, of a layout without room or a missing sign, is an error."""
    stream = io.BytesIO()
    FigureCanvasAgg(drawing.figure).print_figure(stream, format="png", dpi=40)
    assert stream.getvalue().startswith(b"\x89PNG")


def axes_labelled(drawing: Drawing, text: str) -> Any:
    return next(axes for axes in drawing.figure.axes if text in axes.get_xlabel())


def test_they_read_what_samples_have() -> None:
    assert HaTpcFigures.needs <= set(SAMPLE)


def test_all_can_be_saved(drawings: dict[str, Drawing]) -> None:
    assert list(drawings) == [
        *("predicted-true", "resolution", "bias", "angles", "residuals", "pulls"),
        *("display-1", "display-2"),
    ]
    for name, drawing in drawings.items():
        assert drawing.caption.endswith(".")
        if name != "display-2":  # as the first
            save(drawing)


def test_axes_have_units(drawings: dict[str, Drawing]) -> None:
    for name, drawing in drawings.items():
        for axes in drawing.figure.axes:
            for label in (axes.get_xlabel(), axes.get_ylabel()):
                told = label.startswith(("pull", "share", "tracks")) or "[" in label
                assert told or not label, (name, label)


def test_predicted_against_true_counts_every_track(drawings: dict[str, Drawing]) -> None:
    data = drawings["predicted-true"].data
    assert data["net tracks"].sum() == pytest.approx(COUNT, abs=5)  # a few are outside
    assert "p_z-net tracks" not in data
    near = np.abs(np.log(data["predicted p_t from [GeV/c]"] / data["true p_t from [GeV/c]"])) < 0.3
    assert data["net tracks"][near].sum() == data["net tracks"].sum()


def test_resolution_shows_the_numbers_of_every_bin_and_the_limit(
    drawings: dict[str, Drawing],
) -> None:
    metrics, table = HaTpcMetrics(PLANE.facts()), samples()
    rows = metrics.measure(table, predictions("net")).with_columns({"group": table.ids})
    expected = [
        n.number.value
        for n in numbers_of(Resampler(metrics, resamples=1), rows)
        if n.number.name == PRIMARY and n.column == crossing(1600, 2400) and n.n > 1
    ]
    drawing = drawings["resolution"]
    np.testing.assert_allclose(drawing.data["net, 1600 to 2400 mm: value [%]"], expected)
    long = rows["length"] >= 1600
    length, clusters = (np.median(rows[name][long]) for name in ("length", "clusters"))
    p_t = drawing.data["limit, 1600 to 2400 mm: p_t [GeV/c]"]
    np.testing.assert_allclose(
        drawing.data["limit, 1600 to 2400 mm [%]"], 100 * limit(p_t, length, clusters, 0.2)
    )
    texts = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert texts == [
        *("net", "ha-tpc/track-fit (baseline)", "ha-tpc/oracle-fit (oracle)"),
        "textbook curve",
    ]
    titles = [axes.get_title() for axes in drawing.figure.axes]
    assert any(title.startswith("length 1600 to 2400 mm (n = ") for title in titles)


def test_residuals_tell_mean_and_sigma_of_each_model(drawings: dict[str, Drawing]) -> None:
    drawing = drawings["residuals"]
    texts = [text.get_text() for text in axes_labelled(drawing, "p_z").texts]
    assert len(texts) == len(ROLES)
    sigma = float(texts[1].rsplit(" ", 1)[1])
    assert sigma == pytest.approx(10, rel=0.15)  # of the net that tells p_z alone
    assert drawing.data["net residual_z_ini"].sum() == pytest.approx(1, abs=0.01)
    assert "p_z-net residual_z_ini" not in drawing.data


def test_pulls_are_drawn_of_what_has_errors(drawings: dict[str, Drawing]) -> None:
    labels = {axes.get_xlabel() for axes in drawings["pulls"].figure.axes} - {""}
    assert labels == {"pull of $1/p_t$", "pull of $p_t$"}


def test_a_display_has_pads_at_their_places(drawings: dict[str, Drawing]) -> None:
    drawing = drawings["display-1"]
    np.testing.assert_allclose(drawing.data["hit z [mm]"], PLANE.z_mm[[35, 36, 36]])
    np.testing.assert_allclose(drawing.data["hit charge [ADC]"], [400, 200, 50])
    (pads,) = (c for c in drawing.figure.axes[0].collections if isinstance(c, PolyCollection))
    corners = np.array([path.vertices[:4] for path in pads.get_paths()])
    # Column 36 is the first of a module: 14 mm from column 35, and a little that parts the pads.
    assert corners[1, :, 0].min() - corners[0, :, 0].max() == pytest.approx(14.7, abs=0.1)
    assert len(drawing.figure.axes[0].patches) == 8  # the modules


def test_a_display_shows_how_far_tracks_are_from_the_truth(drawings: dict[str, Drawing]) -> None:
    data = drawings["display-1"].data
    assert data["length [mm]"][-1] == pytest.approx(PLANE.z.length_mm, rel=0.01)
    # Along z it starts 2 mm higher than the truth; that of the steep one is 2 cos(phi).
    assert data["net minus truth [mm]"][0] == pytest.approx(2, abs=0.02)
    steep = drawings["display-2"].data["net minus truth [mm]"][0]
    shift = float(predictions("net")["z_ini"][STEEP] - samples()["z_ini"][STEEP])
    assert steep == pytest.approx(2 * np.cos(1) - shift * np.sin(1), abs=0.02)
    assert "p_z-net z [mm]" not in data


def test_a_track_without_its_start_along_z_begins_at_the_true_one() -> None:
    told = predictions("net")
    told = told.select([name for name in told if name != "z_ini"])
    tracks = whole_tracks({"net": told, "p_z-net": predictions("p_z-net")}, samples())
    assert list(tracks) == ["net"]
    np.testing.assert_array_equal(tracks["net"]["z_ini"], samples()["z_ini"])
    bare = samples().select(["id", "hit_row", "hit_column", "hit_charge"])
    assert whole_tracks({"net": told}, bare) == {}


def test_electrons_lie_where_they_are_across_the_track() -> None:
    table = samples().take([HORIZONTAL])
    truth = {name: float(table[name][0]) for name in ("q_over_pt", "phi", "z_ini", "y_ini")}
    z, y = positions(truth, np.array([300.0]), PLANE.field_tesla)
    turned = 0.299792458e-3 * 0.2 * 300  # the direction there: a point 3 mm to its left
    moved = (z - 3 * np.sin(turned), y + 3 * np.cos(turned))
    columns = {
        f"cluster_{name}": Ragged(v.astype(np.float32), np.array([0, 1]))
        for name, v in zip("zy", moved, strict=True)
    }
    drawing = display(table.with_columns(columns), {}, 0, {}, PLANE)
    dots = next(line for line in drawing.figure.axes[1].get_lines() if line.get_marker() == ".")
    assert dots.get_xdata()[0] == pytest.approx(300, abs=1)
    assert dots.get_ydata()[0] == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize(
    ("models", "kept", "names"),
    [
        (NET, 1, {"predicted-true", "bias", "residuals", "pulls", "display-1"}),
        (NET, 12, {"predicted-true", "resolution", "bias", "angles", "residuals", "pulls"}),
        ({"p_z-net": "model"}, 40, {"residuals", "display-1"}),
        (MANY, 60, {"predicted-true", "resolution", "residuals", "display-1"}),
    ],
)
def test_few_rows_and_many_models(models: dict[str, str], kept: int, names: set[str]) -> None:
    found = drawn(models, kept, shown=1)
    assert names <= set(found)
    if kept != 12:  # these are saved with more tracks
        save(found["residuals"])


def test_samples_without_truth_and_hits_have_displays() -> None:
    table = samples().take([0]).select(["hit_row", "hit_column", "hit_charge"])
    empty = {
        name: Ragged(table[name].values[:0], np.zeros(2, np.int64))
        for name in ("hit_row", "hit_column", "hit_charge")
    }
    styles = styles_of([Evaluation(model="net", role="model", numbers=(), rows=None)])
    tracks = {"net": predictions("net").take([0])}
    for one in (table, table.with_columns(empty)):
        drawing = display(one, tracks, 0, styles, PLANE)
        assert "net z [mm]" in drawing.data
        assert len(drawing.figure.axes) == 2  # pads and the scale of their charge
    save(drawing)


def test_without_samples_there_are_no_displays() -> None:
    evaluation = Evaluation(model="net", role="model", numbers=(), rows=None)
    assert not list(HaTpcFigures(PLANE.facts()).draw({"net": evaluation}, None, {}))


def test_roles_can_be_told_apart() -> None:
    roles = ["model"] * 8 + ["baseline"] * 2 + ["oracle"] * 2
    evaluations = [
        Evaluation(model=str(number), role=role, numbers=(), rows=None)
        for number, role in enumerate(roles)
    ]
    styles = styles_of(evaluations)
    looks = {(s.colour, str(s.line["linestyle"]), s.points["marker"]) for s in styles.values()}
    assert len(looks) == len(roles)
    assert [style.filled for style in styles.values()] == [role == "model" for role in roles]
    assert styles["8"].colour == "black"


def row_of_pixels(line: Mapping[str, Any]) -> Any:
    """A line as a printer without colours shows it: grey values along it."""
    figure = Figure(figsize=(4, 0.1), dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    figure.add_artist(Line2D([0, 1], [0.5, 0.5], **line))
    canvas.draw()
    red, green, blue = np.asarray(canvas.buffer_rgba())[..., :3].astype(float).T
    return (0.299 * red + 0.587 * green + 0.114 * blue).min(axis=1)


def test_lines_of_all_baselines_and_oracles_differ_without_colours_and_markers() -> None:
    """Where a dash begins is chance: they differ at every shift."""
    models = registry().models_of("ha-tpc")
    roles = {name: "baseline" for name, model in models.items() if model.baseline}
    roles |= {name: "oracle" for name, model in models.items() if model.oracle}
    assert {"ha-tpc/track-fit", "ha-tpc/charge-fit"} < set(roles)
    styles = styles_of(
        [Evaluation(model=n, role=role, numbers=(), rows=None) for n, role in roles.items()]
    )
    grey = {name: row_of_pixels({**style.line, **TRACK}) for name, style in styles.items()}
    for one, other in combinations(grey, 2):
        least = min(
            np.abs(grey[one] - np.roll(grey[other], shift)).mean()
            for shift in range(grey[one].size)
        )
        assert least > 40, f"{one} and {other}"
