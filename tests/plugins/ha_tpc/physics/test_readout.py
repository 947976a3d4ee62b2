"""Single charges over single pads, against hand values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from zoo_ha_tpc.physics.drift import Gas
from zoo_ha_tpc.physics.electronics import shaped
from zoo_ha_tpc.physics.pad_plane import read_plane
from zoo_ha_tpc.physics.readout import Arrivals, Chip, Hits, Layer, Readout
from zoo_ha_tpc.physics.sums import NumpySums

PLANE = read_plane("ha-tpc")
GAS = Gas(drift_mm_us=78.0, transverse_um_cm=310.0, longitudinal_um_cm=210.0)
LAYER = Layer(
    rc_ns_mm2=120.0, rc=(1.0,) * 8, gain=np.full(8, 1500.0), alive=np.ones(PLANE.shape, bool)
)
CHIP = Chip(
    peaking_ns=412.0,
    sampling_ns=40.0,
    noise_adc=0.0,
    noise="series",
    threshold_adc=5.0,
    largest_adc=4095.0,
)
ROW, COLUMN = 10, 20


def read(
    *,
    at: tuple[float, float] = (0.0, 0.0),
    x_mm: float = 2.0,
    electrons: float = 100.0,
    copies: int = 1,
    layer: dict[str, Any] | None = None,
    chip: dict[str, Any] | None = None,
    steepest: float = 0.0,
) -> Hits:
    """Hits of one charge at a distance (z, y) from the middle of a pad, in as many events."""
    readout = Readout(
        PLANE,
        GAS,
        replace(LAYER, **(layer or {})),
        replace(CHIP, **(chip or {})),
        sums=NumpySums(),
        steepest=steepest,
    )
    ones = np.ones(copies)
    arrivals = Arrivals(
        event=np.arange(copies),
        z_mm=ones * (PLANE.z_mm[COLUMN] + at[0]),
        y_mm=ones * (PLANE.y_mm[ROW] + at[1]),
        x_mm=ones * x_mm,
        delay_ns=0 * ones,
        amplified=ones * electrons,
    )
    return readout.hits(np.arange(copies, dtype=np.uint64), arrivals)


def leading(hits: Hits) -> int:
    return int(hits.charge.argmax())


def test_counts_and_time_of_a_charge_that_stays_on_its_pad() -> None:
    """100 e x 1500 x 1.602e-4 fC x 4096 / 120 fC = 820 counts, 412 ns after a drift of 2 mm."""
    hits = read(layer={"rc_ns_mm2": 1e4})
    best = leading(hits)
    assert (hits.row[best], hits.column[best]) == (ROW, COLUMN)
    assert hits.charge[best] == pytest.approx(820.3, rel=0.01)
    assert hits.time[best] == pytest.approx(412 + 2000 / 78, abs=10)


def test_a_spreading_charge_is_shared_with_both_sides_alike() -> None:
    hits = read(electrons=300)
    charge = {(r, c): q for r, c, q in zip(hits.row, hits.column, hits.charge, strict=True)}
    left, right = charge[ROW, COLUMN - 1], charge[ROW, COLUMN + 1]
    low, high = charge[ROW - 1, COLUMN], charge[ROW + 1, COLUMN]
    assert left == pytest.approx(right, rel=0.03)
    assert low == pytest.approx(high, rel=0.03)
    assert low > left  # rows are narrower than columns
    late = hits.time[(hits.row == ROW) & (hits.column == COLUMN + 1)]
    assert late.item() > hits.time[leading(hits)] + 200
    assert hits.charge.max() < 0.98 * 3 * 820


def test_a_layer_of_larger_rc_spreads_less() -> None:
    several = [read(electrons=300, layer={"rc": (rc,) * 8}) for rc in (0.7, 1.0, 1.4)]
    shares = [hits.charge.max() / hits.charge.sum() for hits in several]
    assert shares == sorted(shares)


def test_modules_have_their_own_rc_and_gain() -> None:
    rc, gain = [1.0] * 8, LAYER.gain.copy()
    rc[0], gain[0] = 1.4, 3000.0
    mixed = read(layer={"rc": tuple(rc), "gain": gain})
    alone = read(layer={"rc": (1.4,) * 8, "gain": np.full(8, 3000.0)})
    assert np.array_equal(mixed.charge, alone.charge)
    other = read(layer={"rc": (1.0, *rc[1:]), "gain": gain})
    assert other.charge.max() != mixed.charge.max()


def test_the_time_is_that_of_the_drift() -> None:
    """10 mm further are 128.2 ns; the pulse is the same but for the diffusion."""
    near, far = read(x_mm=500.0), read(x_mm=510.0)
    late = far.time[leading(far)] - near.time[leading(near)]
    assert late == pytest.approx(10_000 / 78, abs=4)
    assert far.charge.max() == pytest.approx(near.charge.max(), rel=0.01)


@pytest.mark.parametrize("x_mm", np.linspace(300, 306.3, 8))
def test_neither_amplitude_nor_time_depends_on_the_phase_of_the_sampling(x_mm: float) -> None:
    hits = read(x_mm=x_mm, electrons=300)
    best = leading(hits)
    late = hits.time[best] - 1e3 * x_mm / 78
    reference = read(x_mm=303.0, electrons=300)
    assert hits.charge[best] == pytest.approx(reference.charge.max(), rel=0.006)
    expected = reference.time[leading(reference)] - 1e3 * 303.0 / 78
    assert late == pytest.approx(expected, abs=4)


@pytest.mark.parametrize("apart_ns", [0.0, 30.0, 130.0, 400.0])
def test_charges_at_different_times_add_up_on_their_pad(apart_ns: float) -> None:
    """Against the sum of two pulses of the electronics, where nothing spreads."""
    layer = replace(LAYER, rc_ns_mm2=1e4)
    readout = Readout(PLANE, GAS, layer, CHIP, sums=NumpySums(), steepest=1.0)
    x_mm = np.array([5.0, 5.0 + 0.078 * apart_ns])
    arrivals = Arrivals(
        event=np.zeros(2, int),
        z_mm=np.full(2, PLANE.z_mm[COLUMN]),
        y_mm=np.full(2, PLANE.y_mm[ROW]),
        x_mm=x_mm,
        delay_ns=np.zeros(2),
        amplified=np.array([100.0, 100.0]),
    )
    hits = readout.hits(np.array([1], np.uint64), arrivals)
    fine = np.arange(3000.0)
    both = sum(shaped(fine - 1e3 * x / 78, 412.0) for x in x_mm) * 820.3
    above = fine[both > both.max() / 2]
    best = leading(hits)
    assert hits.charge[best] == pytest.approx(both.max(), rel=0.015)
    assert hits.time[best] == pytest.approx(fine[both.argmax()], abs=10)
    assert hits.width[best] == pytest.approx(above[-1] - above[0], abs=12)


def test_noise_has_its_rms_and_the_threshold_holds() -> None:
    """800 electrons: 4.37 counts."""
    hits = read(copies=800, chip={"noise_adc": 4.37}, layer={"rc_ns_mm2": 1e4})
    ours = (hits.row == ROW) & (hits.column == COLUMN)
    assert ours.sum() == 800
    # The largest sample of a noisy pulse: a little less spread, a little higher.
    assert hits.charge[ours].std() == pytest.approx(4.37, rel=0.12)
    assert 820 <= hits.charge[ours].mean() <= 826
    assert hits.charge.min() >= CHIP.threshold_adc
    assert read(chip={"threshold_adc": 600.0}).charge.min() >= 600


def test_saturation() -> None:
    hits = read(electrons=5000)
    assert hits.charge.max() == 4095
    assert np.array_equal(hits.charge, np.rint(hits.charge))


def test_what_arrives_over_a_gap_is_lost() -> None:
    to_edge = (PLANE.z.pads_of_a_module - COLUMN - 0.5) * PLANE.z.pitch_mm
    assert len(read(at=(to_edge - 0.5, 0.0), electrons=500).charge) > 0
    assert len(read(at=(to_edge + 0.5, 0.0), electrons=500).charge) == 0
    near = read(at=(to_edge - 0.5, 0.0), electrons=500)
    assert near.column.max() == PLANE.z.pads_of_a_module - 1


def test_dead_pads_are_silent_and_change_nothing_else() -> None:
    alive = LAYER.alive.copy()
    alive[ROW, COLUMN + 1] = False
    whole, partly = read(), read(layer={"alive": alive})
    left = ~((whole.row == ROW) & (whole.column == COLUMN + 1))
    assert left.sum() == len(whole.charge) - 1
    for name in ("row", "column", "charge", "time", "width"):
        assert np.array_equal(getattr(whole, name)[left], getattr(partly, name))


def test_no_electrons_no_hits() -> None:
    assert len(read(copies=0).charge) == 0
    assert len(read(electrons=0.0).charge) == 0
