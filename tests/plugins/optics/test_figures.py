"""The figures show the numbers where they belong."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from zoo.api import Drawing, Evaluation, Table
from zoo.evaluation import Resampler, numbers_of
from zoo_optics.drawings.displays import pulls, unrolled
from zoo_optics.drawings.styles import strokes_of
from zoo_optics.figures import OpticsFigures
from zoo_optics.metrics import OpticsMetrics
from zoo_optics.physics.detector import Box, Cylinder, Detector, Sensors, cylinder_layout
from zoo_optics.profiles import VISIBILITY_EDGES, distance_edges, probe_of, profile_sums
from zoo_optics.specs import SAMPLE

TANK = Cylinder(200.0, 150.0)
DETECTOR = Detector(cylinder_layout(TANK, rows=5, columns=16, rings=(8, 1), radius_cm=8.0), TANK)
ROLES = {"run": "model", "optics/lut": "baseline", "optics/expected": "oracle"}
FACTORS = {"run": 1.1, "optics/lut": 0.8, "optics/expected": 1.0}


def samples(*, known: bool = True) -> Table:
    rng = np.random.default_rng(1)
    count, sensors = 12, len(DETECTOR.sensors)
    expected = 1e5 * 10 ** (-5 + 3 * rng.random((count, sensors)))
    columns = {
        "id": np.arange(count, dtype=np.uint64),
        "position": TANK.points(rng.random((count, 3)), 20).astype(np.float32),
        "photons": np.full(count, 1e5, np.float32),
        "charge": rng.poisson(expected).astype(np.float32),
        "expected": expected.astype(np.float32),
    }
    return Table(columns if known else {k: v for k, v in columns.items() if k != "expected"})


def drawn(*, known: bool = True) -> dict[str, Drawing]:
    table, metrics = samples(known=known), OpticsMetrics(DETECTOR.facts())
    truth = samples()["expected"]
    predictions, evaluations = {}, {}
    for name, role in ROLES.items():
        predictions[name] = Table({"id": table.ids, "charge": truth * np.float32(FACTORS[name])})
        rows = metrics.measure(table, predictions[name]).with_columns({"group": table.ids})
        numbers = numbers_of(Resampler(metrics, resamples=5, seed=0), rows)
        evaluations[name] = Evaluation(model=name, role=role, numbers=numbers, rows=rows)
    evaluations["absent"] = Evaluation(
        model="absent", role="baseline", numbers=(), rows=None, unavailable="needs x"
    )
    shown = {name: one.take([0, 1]) for name, one in predictions.items()}
    found = OpticsFigures(DETECTOR.facts()).draw(evaluations, table.take([0, 1]), shown)
    return {drawing.name: drawing for drawing in found}


@pytest.fixture(scope="module")
def drawings() -> dict[str, Drawing]:
    return drawn()


def test_figures_read_what_samples_have() -> None:
    assert OpticsFigures.needs <= set(SAMPLE)


def test_errors_are_those_of_the_factor_in_every_bin(drawings: dict[str, Drawing]) -> None:
    """A factor f on all: 2 (f - 1) / (f + 1)."""
    for name in ("error-distance", "error-visibility"):
        data = drawings[name].data
        for model, factor in FACTORS.items():
            by_hand = 100 * 2 * (factor - 1) / (factor + 1)
            bias = data[f"{model} bias [%]"]
            filled = np.isfinite(bias)
            assert filled.sum() >= 6
            np.testing.assert_allclose(bias[filled], by_hand, atol=1e-3)
            error = data[f"{model} error [%]"]
            np.testing.assert_allclose(error[filled], abs(by_hand), atol=1e-3)
            for end in (" low", " high"):  # the same everywhere: no interval
                np.testing.assert_allclose(
                    data[f"{model} bias [%]{end}"][filled], by_hand, atol=1e-3
                )
    ratio = drawings["error-distance"].data
    oracle, wrong = (
        ratio[f"{name} deviance / floor"] for name in ("optics/expected", "optics/lut")
    )
    np.testing.assert_allclose(oracle[np.isfinite(oracle)], 1)
    assert np.nanmean(wrong) > 1.5


def test_sums_of_bins_are_those_of_all_pairs() -> None:
    """Two flashes, sensors at known distances, and a visibility in each of two bins."""
    place = np.array([[100.0, 0, 0], [-100.0, 0, 0]])
    detector = Detector(Sensors(place, -place / 100, 5.0), Box((-100, -50, -50), (100, 50, 50)))
    edges = distance_edges(detector)
    assert edges[-1] == pytest.approx((200**2 + 100**2 + 100**2) ** 0.5)
    truth, ones = np.array([[1e-2, 1e-4], [1e-4, 1e-4]]), np.ones((2, 2))
    sums = profile_sums(
        detector,
        np.array([[90.0, 0, 0], [0, 0, 0]]),
        found=3 * truth,
        truth=truth,
        deviance=2 * ones,
        floor=ones,
    )
    step = edges[1]
    bins = [[int(10 / step), int(190 / step)], [int(100 / step)] * 2]
    expected = np.zeros((2, 16))
    for row, pair in enumerate(bins):
        for place_of in pair:
            expected[row, place_of] += 1
    np.testing.assert_array_equal(sums["distance_pairs"], expected)
    np.testing.assert_array_equal(sums["distance_deviance"], 2 * expected)
    np.testing.assert_allclose(sums["distance_signed"], expected)  # 2 (3 - 1) / (3 + 1) = 1
    by_brightness = sums["visibility_pairs"].sum(0)
    for value, count in ((1e-2, 1), (1e-4, 3)):
        where = np.searchsorted(VISIBILITY_EDGES, value, side="right") - 1
        assert by_brightness[where] == count
    assert by_brightness.sum() == 4


def test_a_tank_is_cut_open() -> None:
    sensors, points = DETECTOR.sensors, unrolled(DETECTOR)
    barrel, caps = np.split(np.arange(len(sensors)), [80])
    # On the barrel up is up, and along a ring one goes once around: 200 cm x 2 pi.
    np.testing.assert_allclose(points[barrel, 1], sensors.position_cm[barrel, 2])
    assert np.ptp(points[barrel, 0]) == pytest.approx(2 * np.pi * 200 * 15 / 16)
    # Caps keep their shape, beyond the edges of the barrel.
    assert (np.abs(points[caps, 1]) > 150).all()
    for cap in np.split(caps, 2):
        before = sensors.position_cm[cap] - sensors.position_cm[cap].mean(0)
        after = points[cap] - points[cap].mean(0)
        np.testing.assert_allclose(
            np.linalg.norm(before, axis=1), np.linalg.norm(after, axis=1), atol=1e-9
        )
    # The sensor of a cap nearest to azimuth 0 lies next to the barrel's at azimuth 0.
    upper = caps[:8]
    nearest = upper[np.argmin(points[upper, 1])]
    assert sensors.position_cm[nearest, 0] == sensors.position_cm[upper, 0].max()
    assert len(np.unique(points.round(6), axis=0)) == len(sensors)


def test_a_box_is_seen_along_the_axis_of_its_sensors() -> None:
    place = np.array([[213.0, -10, 50], [213.0, 20, 150]])
    detector = Detector(
        Sensors(place, np.tile([-1.0, 0, 0], (2, 1)), 5.0), Box((0, -50, 0), (200, 50, 200))
    )
    np.testing.assert_array_equal(unrolled(detector), [[50, -10], [150, 20]])


def test_pulls_by_hand() -> None:
    # Nothing seen of mu: -sqrt(2 mu). As expected: 0. Many: (q - mu) / sqrt(mu) to first order.
    found = pulls(np.array([0.0, 5, 10_100]), np.array([2.0, 5, 10_000]))
    np.testing.assert_allclose(found, [-2, 0, 1], atol=0.01)


def test_a_display_has_every_sensor_of_every_model(drawings: dict[str, Drawing]) -> None:
    table, display = samples(), drawings["display-2"]
    np.testing.assert_array_equal(display.data["seen [PE]"], table["charge"][1])
    np.testing.assert_allclose(display.data["run [PE]"], 1.1 * table["expected"][1], rtol=1e-6)
    titles = {axes.get_title() for axes in display.figure.axes}
    assert {"seen", *ROLES} <= titles


def test_sensors_that_saw_nothing_are_drawn_in_grey(drawings: dict[str, Drawing]) -> None:
    """As those of which little is expected, not left out."""
    display = drawings["display-2"]
    seen = np.sort(display.data["seen [PE]"])  # the order of drawing
    assert seen[0] == 0
    (panel,) = (axes for axes in display.figure.axes if axes.get_title() == "seen")
    display.figure.draw_without_rendering()
    colours = panel.collections[0].get_facecolor()
    assert len(colours) == len(seen)
    np.testing.assert_allclose(colours[seen == 0], [[0.92, 0.92, 0.92, 1]] * (seen == 0).sum())
    assert not np.allclose(colours[-1], colours[0])


def test_a_curve_is_the_mean_over_sensors_at_a_distance(drawings: dict[str, Drawing]) -> None:
    data = drawings["curve-1"].data
    np.testing.assert_allclose(data["run ratio"], 1.1, rtol=1e-5)
    way = DETECTOR.sensors.position_cm - samples()["position"][0].astype(np.float64)
    distance = np.linalg.norm(way, axis=1)
    near = distance <= distance.min() + (distance.max() * 1.0001 - distance.min()) / 24
    expected = samples()["expected"][0, near].astype(np.float64).mean() / 1e5
    assert data["true"][0] == pytest.approx(expected, rel=1e-6)


def test_the_map_is_of_one_sensor(drawings: dict[str, Drawing]) -> None:
    """That of the barrel's middle row at azimuth 0, the third of five rows of 16."""
    assert probe_of(DETECTOR) == 2 * 16
    data, table = drawings["map"].data, samples()
    np.testing.assert_allclose(data["true"], table["expected"][:, 32] / 1e5, rtol=1e-6)
    np.testing.assert_allclose(data["run ratio"], 1.1, rtol=1e-5)
    np.testing.assert_array_equal(data["z [cm]"], table["position"][:, 2])  # too few for a slab


def test_without_the_truth_there_are_deviances_alone() -> None:
    found = drawn(known=False)
    assert not {"error-visibility", "map"} & set(found)
    panels = [name for name in found["error-distance"].data if name.startswith("run")]
    assert panels == [f"run deviance / floor{end}" for end in ("", " low", " high")]
    assert "seen" in found["curve-1"].data


def test_all_can_be_drawn(drawings: dict[str, Drawing]) -> None:
    assert list(drawings) == [
        "error-distance",
        "error-visibility",
        "map",
        *("display-1", "curve-1", "display-2", "curve-2"),
    ]
    for drawing in drawings.values():
        assert drawing.caption.endswith(".")
        stream = io.BytesIO()
        FigureCanvasAgg(drawing.figure).print_figure(stream, format="png", dpi=40)
        assert stream.getvalue().startswith(b"\x89PNG")


def test_models_are_told_apart() -> None:
    roles = ["model"] * 8 + ["baseline"] * 3 + ["oracle"]
    strokes = strokes_of(
        [
            Evaluation(model=str(place), role=role, numbers=(), rows=None)
            for place, role in enumerate(roles)
        ]
    )
    looks = {(s["color"], s["linestyle"], s["marker"]) for s in strokes.values()}
    assert len(looks) == len(roles)
