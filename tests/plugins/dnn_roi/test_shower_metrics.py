"""Profiles and directions of showers on planes that are drawn by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.api import DataError, Table
from zoo_dnn_roi.metrics import RoiMetrics
from zoo_dnn_roi.shower_metrics import PROFILE_WIRES, REACH_MM, SHOWER_FIELDS, ShowerFrame
from zoo_dnn_roi.specs import SAMPLE

WIRES, TICKS = 64, 128
PITCH = 5.0
# Square cells: 1.25 mm/us and 4 us give 5 mm a tick.
FACTS: Mapping[str, Any] = {
    "geometry": {"pitch_mm": {"U": PITCH, "V": PITCH, "W": PITCH}, "tick_ns": 4000.0},
    "drift": {"speed_mm_us": 1.25},
}
VERTEX = (10, 40)  # wire and tick of its cell
METRICS = RoiMetrics(FACTS)


def cells(charges: Iterable[tuple[int, int, float]]) -> NDArray[np.float32]:
    """Charge in cells at (wires, ticks) from the vertex."""
    out = np.zeros((1, WIRES, TICKS), np.float32)
    for wire, tick, charge in charges:
        out[0, VERTEX[0] + wire, VERTEX[1] + tick] += charge
    return out


def measured(
    truth: NDArray[np.float32],
    charge: NDArray[np.float32],
    direction: tuple[float, float] = (1.0, 0.0),
    **columns: Any,
) -> Table:
    one = np.ones(1, np.float32)
    samples = {
        "id": np.arange(1, dtype=np.uint64),
        "truth": truth,
        "plane": np.zeros(1, np.int64),
        "shower_energy": 700 * one,
        "vertex_wire": (VERTEX[0] + 0.5) * one,
        "vertex_tick": (VERTEX[1] + 0.5) * one,
        "direction": np.array([direction], np.float32),
    }
    table = Table(samples | columns)
    found = Table({"id": table.ids, "charge": charge, "mask": (charge != 0).astype(np.uint8)})
    return METRICS.measure(table, found)


def numbers(rows: Table) -> dict[str, float]:
    return {number.name: number.value for number in METRICS.summarise(rows)}


STRAIGHT = cells((step, 0, 1000.0) for step in range(20))


def test_samples_have_what_is_read() -> None:
    assert set(SAMPLE) >= SHOWER_FIELDS <= RoiMetrics.needs


def test_the_truth_has_its_own_direction_and_charge() -> None:
    rows = measured(STRAIGHT, STRAIGHT)
    assert rows["shower_angle"][0] == pytest.approx(0, abs=1e-6)
    assert numbers(rows)["start bias"] == pytest.approx(0, abs=1e-6)
    assert rows["shower_energy"][0] == 700


@pytest.mark.parametrize(("slope", "angle"), [((1, 1), 45.0), ((1, -1), 45.0), ((2, 1), 26.565)])
def test_a_line_at_an_angle_is_off_by_that_angle(slope: tuple[int, int], angle: float) -> None:
    charge = cells((slope[0] * n, slope[1] * n, 1000.0) for n in range(10))
    assert measured(STRAIGHT, charge)["shower_angle"][0] == pytest.approx(angle, abs=1e-3)


def test_the_direction_is_the_principal_axis_about_the_vertex() -> None:
    # Moments 16 a b with charges a on (4, 0) and b on (0, 4): the larger of the two wins.
    for one, other, angle in ((300.0, 200.0, 0.0), (200.0, 300.0, 90.0)):
        charge = cells([(4, 0, one), (0, 4, other)])
        assert measured(STRAIGHT, charge)["shower_angle"][0] == pytest.approx(angle, abs=1e-3)
    # Charges at (4, 0) and (2, 2) of equal size: tan 2 phi = 2 * 4 / (16 + 4 - 4).
    charge = cells([(4, 0, 100.0), (2, 2, 100.0)])
    expected = np.rad2deg(0.5 * np.arctan2(8, 16))
    assert measured(STRAIGHT, charge)["shower_angle"][0] == pytest.approx(expected, abs=1e-3)


def test_millimetres_count_not_cells() -> None:
    frame = ShowerFrame(0.5, 0.5, 1.0, 0.0, pitch_mm=5.0, tick_mm=0.5)
    wire, tick = frame.offsets(3, 3)
    np.testing.assert_allclose(wire[:, 0], [0, 5, 10])
    np.testing.assert_allclose(tick[0], [0, 0.5, 1.0])


def test_a_shower_of_which_nothing_is_found_is_off_by_a_right_angle() -> None:
    rows = measured(STRAIGHT, np.zeros_like(STRAIGHT))
    assert rows["shower_angle"][0] == 90
    assert numbers(rows)["start bias"] == -100


def test_charge_far_from_the_axis_or_behind_the_vertex_is_not_the_showers() -> None:
    aside = int(REACH_MM / PITCH) + 2
    other = cells([(5, aside, 9000.0), (-5, 0, 9000.0)])
    rows = measured(STRAIGHT + other, STRAIGHT + 5 * other)
    assert rows["shower_angle"][0] == pytest.approx(0, abs=1e-6)
    np.testing.assert_array_equal(rows["shower_profile_true"], rows["shower_profile_found"])


@pytest.mark.parametrize("sense", [1, -1])
def test_the_profile_counts_wires_from_the_vertex_on(sense: int) -> None:
    truth = cells([(0, 0, 1000.0), (2 * sense, 0, 500.0)])
    charge = cells([(0, 0, 900.0), (2 * sense, 0, 650.0)])
    rows = measured(truth, charge, direction=(float(sense), 0.0))
    expected = np.zeros((2, PROFILE_WIRES))
    expected[:, [0, 2]] = [[1000, 500], [900, 650]]
    np.testing.assert_allclose(rows["shower_profile_true"][0], expected[0])
    np.testing.assert_allclose(rows["shower_profile_found"][0], expected[1])
    assert numbers(rows)["start bias"] == pytest.approx(100 * (1550 / 1500 - 1))


def test_the_profile_is_of_42_wires() -> None:
    far = cells([(0, 0, 1000.0), (PROFILE_WIRES - 1, 0, 300.0), (PROFILE_WIRES, 0, 500.0)])
    assert measured(far, far)["shower_profile_true"].sum() == 1300
    assert PROFILE_WIRES == 42  # the DNN-ROI talk's


def test_68_percent_of_the_directions_are_closer() -> None:
    charges = [cells([(10, n, 1000.0)]) for n in range(10)]
    rows = Table.concat([measured(STRAIGHT, charge) for charge in charges])
    expected = np.quantile(np.rad2deg(np.arctan(np.arange(10) / 10)), 0.68)
    assert numbers(rows)["shower angle"] == pytest.approx(expected, abs=1e-3)


def test_a_row_without_shower_counts_in_no_number_of_showers() -> None:
    nothing = np.full(1, np.nan, np.float32)
    track = measured(STRAIGHT, 0.5 * STRAIGHT, vertex_wire=nothing, shower_energy=nothing)
    assert np.isnan([track["shower_angle"][0], track["shower_energy"][0]]).all()
    both = numbers(Table.concat([measured(STRAIGHT, STRAIGHT), track]))
    assert both["start bias"] == pytest.approx(0, abs=1e-6)
    alone = numbers(track)
    assert np.isnan([alone["start bias"], alone["shower angle"]]).all()
    assert list(alone) == list(both)


def test_facts_without_the_size_of_a_cell_are_refused() -> None:
    samples = {
        name: np.zeros((1, 2) if name == "direction" else 1, np.float32) for name in SHOWER_FIELDS
    }
    table = Table({"id": np.zeros(1, np.uint64), "truth": STRAIGHT, **samples})
    found = Table({"id": table.ids, "charge": STRAIGHT, "mask": STRAIGHT > 0})
    with pytest.raises(DataError, match="geometry"):
        RoiMetrics({}).measure(table, found)
