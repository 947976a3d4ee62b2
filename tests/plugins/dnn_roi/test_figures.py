"""The figures show the numbers, in the bins and on the wires where they belong."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from zoo.api import Drawing, Evaluation, Table
from zoo.evaluation import Resampler, numbers_of
from zoo_dnn_roi.drawings.displays import display
from zoo_dnn_roi.drawings.styles import styles_of
from zoo_dnn_roi.figures import RoiFigures
from zoo_dnn_roi.metrics import RoiMetrics
from zoo_dnn_roi.specs import SAMPLE

ANGLES = (10, 10, 75, 75, np.nan)
WIRES, TICKS = 40, 900
ROLES = {
    "run": "model",
    "dnn-roi/traditional": "baseline",
    "dnn-roi/mp3": "baseline",
    "dnn-roi/oracle-mask": "oracle",
}
FACTORS = {"run": 0.8, "dnn-roi/traditional": 0.5, "dnn-roi/mp3": 0.9, "dnn-roi/oracle-mask": 1.0}


def samples() -> Table:
    count = len(ANGLES)
    truth = np.zeros((count, WIRES, TICKS), np.float32)
    truth[:4, 18:22, 300:340] = 1000  # the fifth is empty
    return Table(
        {
            "id": np.arange(count, dtype=np.uint64),
            "truth": truth,
            "decon_charge": truth + 50,
            "plane": np.arange(count) % 2,
            "theta_xz": np.array(ANGLES, np.float32),
        }
    )


@pytest.fixture(scope="module")
def drawings() -> dict[str, Drawing]:
    table, metrics = samples(), RoiMetrics({})
    predictions, evaluations = {}, {}
    for name, role in ROLES.items():
        charge = table["truth"] * np.float32(FACTORS[name])
        predictions[name] = Table({"id": table.ids, "charge": charge, "mask": charge > 0})
        rows = metrics.measure(table, predictions[name]).with_columns({"group": table.ids})
        numbers = numbers_of(Resampler(metrics, resamples=20, seed=0), rows)
        evaluations[name] = Evaluation(model=name, role=role, numbers=numbers, rows=rows)
    evaluations["absent"] = Evaluation(
        model="absent", role="baseline", numbers=(), rows=None, unavailable="needs x"
    )
    found = RoiFigures({}).draw(evaluations, table, predictions)
    return {drawing.name: drawing for drawing in found}


def test_figures_read_what_samples_have():
    assert RoiFigures.needs <= set(SAMPLE)


def test_the_angles_carry_each_number_of_each_bin(drawings: dict[str, Drawing]):
    data = drawings["angles"].data
    np.testing.assert_allclose(data["run bias"], [-20, -20], rtol=1e-5)
    np.testing.assert_allclose(data["dnn-roi/traditional E"], [0.5, 0.5], rtol=1e-5)
    np.testing.assert_allclose(data["dnn-roi/oracle-mask E"], [0, 0], atol=1e-6)
    np.testing.assert_array_equal(data["run bias from deg"], [0, 70])
    np.testing.assert_array_equal(data["run bias to deg"], [20, 80])
    np.testing.assert_array_equal(data["run bias events"], [2, 2])
    texts = [text.get_text() for text in drawings["angles"].figure.legends[0].get_texts()]
    assert texts == ["run", *(f"{name} ({role})" for name, role in list(ROLES.items())[1:])]
    for axes in drawings["angles"].figure.axes:
        assert axes.get_xlabel() == r"$\theta_{xz}$ [deg]"
        assert axes.get_ylabel().endswith(("[%]", "error E"))  # which has no unit
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "20", "70", "80"]


def test_the_energies_carry_each_number_of_each_bin(drawings: dict[str, Drawing]):
    # 160 cells of 1000 electrons are 5.4 MeV (23.6 eV over 0.70); the empty plane has none.
    data = drawings["energies"].data
    np.testing.assert_array_equal(data["run E from MeV"], [0])
    np.testing.assert_array_equal(data["run E to MeV"], [100])
    np.testing.assert_array_equal(data["run E events"], [5])
    np.testing.assert_allclose(data["dnn-roi/mp3 E"], [0.1], rtol=1e-5)
    assert drawings["energies"].figure.axes[0].get_xlabel() == "visible energy in the plane [MeV]"


def test_error_bars_of_a_bin_lie_inside_it_side_by_side(drawings: dict[str, Drawing]):
    axes = drawings["angles"].figure.axes[0]
    first = np.array([bars.lines[0].get_xdata()[0] for bars in axes.containers])
    assert len(first) == len(ROLES)
    assert (np.diff([0, *first, 1]) > 0.1).all()


def test_networks_are_coloured_baselines_black_and_oracles_grey():
    roles = ["model"] * 8 + ["baseline"] * 3 + ["oracle"]
    styles = styles_of(
        [
            Evaluation(model=str(place), role=role, numbers=(), rows=None)
            for place, role in enumerate(roles)
        ]
    )
    looks = {(style.colour, style.line, style.marker) for style in styles.values()}
    assert len(looks) == len(roles)
    for style in styles.values():
        assert (style.colour == "black") == (style.role == "baseline") == (style.line == "--")
        assert (style.line == ":") == (style.role == "oracle")


def test_efficiency_and_purity(drawings: dict[str, Drawing]):
    data = drawings["efficiency-purity"].data
    for what in ("pixel", "ROI"):
        np.testing.assert_allclose(data[f"run {what} efficiency"], [100, 100])
        np.testing.assert_allclose(data[f"run {what} purity"], [100, 100])


def test_a_display_is_cut_to_the_track_and_has_the_charge_of_every_wire(
    drawings: dict[str, Drawing],
):
    display = drawings["display-1-U-10deg"]
    np.testing.assert_array_equal(display.data["wire"], np.arange(3, 37))  # 15 wires around
    expected = np.where(np.isin(display.data["wire"], (18, 19, 20, 21)), 40_000, 0)
    np.testing.assert_allclose(display.data["truth [e-]"], expected)
    np.testing.assert_allclose(display.data["run [e-]"], 0.8 * expected)
    titles = [axes.get_title() for axes in display.figure.axes]
    for name in ("truth", "deconvolved, no regions", *ROLES):
        assert name in titles
    image = display.figure.axes[0].get_images()[0]
    assert image.get_extent() == [2.5, 36.5, 180, 460]  # 120 ticks around
    assert image.get_array().shape == (280, 34)  # time upwards, wires to the right


def test_a_sample_without_angle_or_charge_is_drawn_whole(drawings: dict[str, Drawing]):
    display = drawings["display-5-U-cosmics"]
    assert len(display.data["wire"]) == WIRES


def test_all_can_be_drawn(drawings: dict[str, Drawing]):
    assert len(drawings) == 5 + len(ANGLES)
    for drawing in drawings.values():
        assert drawing.caption.endswith(".")
    alike = {name for name in drawings if name.startswith(("display-2", "display-3", "display-4"))}
    for name in drawings.keys() - alike:
        stream = io.BytesIO()
        FigureCanvasAgg(drawings[name].figure).print_figure(stream, format="png", dpi=40)
        assert stream.getvalue().startswith(b"\x89PNG")


def test_cosmics_alone_have_no_figure_against_the_angle():
    table, metrics = samples().take([4]), RoiMetrics({})
    charge = table["truth"]
    predictions = Table({"id": table.ids, "charge": charge, "mask": charge > 0})
    rows = metrics.measure(table, predictions).with_columns({"group": table.ids})
    numbers = numbers_of(Resampler(metrics, resamples=5, seed=0), rows)
    one = Evaluation(model="run", role="model", numbers=numbers, rows=rows)
    names = [drawing.name for drawing in RoiFigures({}).draw({"run": one}, None, {})]
    assert names == ["energies", "energies-definitions"]


def test_long_names_keep_their_ends():
    table = samples().take([0])
    name = "/a/long/path/to/a/folder/of/many/runs/the-last-one"
    styles = styles_of([Evaluation(model=name, role="model", numbers=(), rows=None)])
    figure = display(table, {name: table["truth"][0]}, 0, styles).figure
    assert figure.axes[2].get_title() == "...lder/of/many/runs/the-last-one"  # of 33 letters


SHOWER_FACTS = {
    "geometry": {"pitch_mm": {"U": 4.7, "V": 4.7, "W": 4.8}, "tick_ns": 500.0},
    "drift": {"speed_mm_us": 1.6},
}


@pytest.fixture(scope="module")
def showers() -> dict[str, Drawing]:
    table = samples().take([0, 1, 2, 3])
    ones = np.ones(4, np.float32)
    table = table.with_columns(
        {
            "shower_energy": np.array([150, 150, 1500, 1500], np.float32),
            "vertex_wire": 18.5 * ones,
            "vertex_tick": 320 * ones,
            "direction": np.stack([ones, 0 * ones], axis=1),
        }
    )
    metrics = RoiMetrics(SHOWER_FACTS)
    predictions, evaluations = {}, {}
    for name, role in ROLES.items():
        charge = table["truth"] * np.float32(FACTORS[name])
        predictions[name] = Table({"id": table.ids, "charge": charge, "mask": charge > 0})
        rows = metrics.measure(table, predictions[name]).with_columns({"group": table.ids})
        numbers = numbers_of(Resampler(metrics, resamples=20, seed=0), rows)
        evaluations[name] = Evaluation(model=name, role=role, numbers=numbers, rows=rows)
    found = RoiFigures(SHOWER_FACTS).draw(evaluations, table, predictions)
    return {drawing.name: drawing for drawing in found}


def test_showers_have_figures_of_their_own(showers: dict[str, Drawing]):
    assert list(showers)[:9] == [
        *("angles", "angles-definitions", "angles-showers"),
        *("energies", "energies-definitions"),
        *("shower-energies", "shower-energies-definitions", "shower-energies-showers"),
        "shower-profile",
    ]
    data = showers["shower-energies-showers"].data
    np.testing.assert_array_equal(data["run start bias from MeV"], [100, 1000])
    np.testing.assert_allclose(data["run start bias"], [-20, -20], rtol=1e-4)
    np.testing.assert_allclose(data["run shower angle"], [0, 0], atol=1e-5)


def test_definitions_stand_side_by_side(showers: dict[str, Drawing]):
    data = showers["angles-definitions"].data
    np.testing.assert_allclose(data["run bias"], [-20, -20], rtol=1e-4)
    np.testing.assert_allclose(data["run ssss bias"], [20, 20], rtol=1e-4)  # the other sign


def test_the_profile_is_charge_by_wire_over_the_true_one(showers: dict[str, Drawing]):
    data = showers["shower-profile"].data
    np.testing.assert_array_equal(data["wire"], np.arange(1, 43))
    expected = np.where(data["wire"] <= 4, 40_000, 0)  # four wires of 40 cells of 1000
    np.testing.assert_allclose(data["truth [e-]"], expected)
    np.testing.assert_allclose(data["run [e-]"], 0.8 * expected, rtol=1e-5)
    for end in ("", " low", " high"):
        ratio = data[f"run ratio{end}"]
        np.testing.assert_allclose(ratio[:4], 0.8, rtol=1e-5)
        assert np.isnan(ratio[4:]).all()


def test_a_display_tells_energy_and_vertex(showers: dict[str, Drawing]):
    name = next(name for name in showers if name.startswith("display-3"))
    assert name == "display-3-U-75deg-1500MeV"
    image = showers[name].figure.axes[0]
    (cross,) = image.get_lines()
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (18, 320)  # the middle of wire 18
    assert image.get_xlim() == (2.5, 36.5)


def test_figures_of_showers_can_be_drawn(showers: dict[str, Drawing]):
    for name in ("shower-profile", "angles-showers", "shower-energies-definitions"):
        stream = io.BytesIO()
        FigureCanvasAgg(showers[name].figure).print_figure(stream, format="png", dpi=40)
        assert stream.getvalue().startswith(b"\x89PNG")
