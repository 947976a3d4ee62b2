"""Breaking, extending and separating ROIs: borders by hand, charge against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zoo.api import DataError
from zoo_dnn_roi.physics.filters import FilterSet, high_frequency
from zoo_dnn_roi.physics.masking import apply_mask
from zoo_dnn_roi.physics.refine import refine_induction
from zoo_dnn_roi.physics.reshape import (
    RING_TICKS,
    RINGING,
    cut,
    extend_rois,
    separate,
    valleys,
)
from zoo_dnn_roi.physics.roi import RoiSettings
from zoo_dnn_roi.physics.runs import FloatArray, Runs

SETTINGS = RoiSettings()
TICKS = 400
Triple = tuple[int, int, int]


def triples(runs: Runs) -> list[Triple]:
    return list(zip(runs.wire.tolist(), runs.start.tolist(), runs.stop.tolist(), strict=True))


def make(*rows: Triple, wires: int = 2) -> Runs:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Runs(table[:, 0], table[:, 1], table[:, 2], wires, TICKS)


def polyline(*points: tuple[float, float]) -> FloatArray:
    """One wire: straight lines through (tick, electrons) points."""
    ticks, electrons = zip(*points, strict=True)
    return np.interp(np.arange(TICKS), ticks, electrons).astype(np.float32)[None]


def noise(rms: float) -> FloatArray:
    return np.array([rms], dtype=np.float32)


@pytest.mark.parametrize(
    ("rms", "height", "valley", "broken"),
    [
        (100.0, 1000.0, 401.0, False),  # 599 deep: less than six times the noise
        (100.0, 1000.0, 399.0, True),
        (400.0, 2000.0, 801.0, False),  # six times the noise would be 2400: the ceiling is 1200
        (400.0, 2000.0, 799.0, True),
        (100.0, 299.0, -400.0, False),  # 699 deep, but the peak is below three times the noise
        (100.0, 301.0, -400.0, True),
    ],
)
def test_a_valley_breaks_a_roi_between_two_distinct_peaks(
    rms: float, height: float, valley: float, broken: bool
) -> None:
    wave = polyline((100, 0), (130, 3000), (160, valley), (190, height), (220, 0))
    rois = make((0, 100, 221), wires=1)
    found = valleys(rois, wave, noise(rms), SETTINGS)
    assert found.tolist() == ([160] if broken else [])


def test_peaks_of_one_roi_do_not_break_another() -> None:
    # One pulse, whose tail is a second ROI without a peak of its own: the walls hold.
    wave = polyline((100, 0), (130, 3000), (160, 0), (200, 0))
    assert len(valleys(make((0, 100, 150), (0, 150, 200), wires=1), wave, noise(50), SETTINGS)) == 0


def test_a_pulse_in_a_long_undershoot_is_found_in_the_second_loop() -> None:
    # Content of the middle pulse is negative under the line of the whole ROI. Once that is broken
    # at its deepest tick, 150, the line rises from -3000 to 0 and the pulse stands 1900 above it.
    points = ((100, 0), (120, 3000), (150, -3000), (180, -500), (200, -2500), (270, 2500), (300, 0))
    wave = polyline(*points)
    rois = make((0, 100, 301), wires=1)
    first = valleys(rois, wave, noise(100), SETTINGS)
    assert first.tolist() == [150]
    assert valleys(cut(rois, first), wave, noise(100), SETTINGS).tolist() == [200]
    # The whole chain does both, and keeps the three pulses apart.
    tight = make((0, 110, 135), (0, 170, 190), (0, 245, 290), wires=1)
    done = refine_induction(tight, rois, wave, noise(100), SETTINGS)
    assert triples(done.stages["break_roi_1st"]) == [(0, 100, 150), (0, 150, 301)]
    assert triples(done.stages["break_roi_2nd"]) == [(0, 100, 150), (0, 150, 200), (0, 200, 301)]
    assert len(done.final) == 3
    once = refine_induction(tight, rois, wave, noise(100), RoiSettings(break_loops=1))
    assert list(once.stages) == ["cleanup_roi", "break_roi_1st", "shrink_roi", "extend_roi"]
    assert triples(once.cleaned) == triples(done.cleaned) == [(0, 100, 301)]


def test_pieces_without_a_tight_roi_are_dropped() -> None:
    wave = polyline((100, 0), (130, 3000), (160, 0), (190, 2000), (220, 0))
    done = refine_induction(
        make((0, 120, 140), wires=1), make((0, 100, 221), wires=1), wave, noise(100), SETTINGS
    )
    assert triples(done.stages["break_roi_1st"]) == [(0, 100, 160)]


def test_cuts_at_borders_or_outside_break_nothing() -> None:
    runs = make((0, 10, 20), (0, 20, 30), (1, 0, 5))
    ticks = np.array([0, 10, 15, 20, 30, 50, TICKS, TICKS + 4, TICKS + 5])
    expected = [(0, 10, 15), (0, 15, 20), (0, 20, 30), (1, 0, 4), (1, 4, 5)]
    assert triples(cut(runs, ticks)) == expected
    assert triples(cut(make(), ticks)) == []


def test_two_pulses_in_an_undershoot_keep_their_charge() -> None:
    # The baseline falls from 0 to -D in the middle and rises again; two narrow pulses of charge A.
    # Broken, each ROI's line is that baseline, and the content is the pulse.
    depth, sigma, charge = 1500.0, 4.0, 40_000.0
    t = np.arange(TICKS)
    pulses = sum(np.exp(-0.5 * ((t - at) / sigma) ** 2) for at in (150, 250))
    pulses = pulses * charge / (sigma * math.sqrt(2 * math.pi))
    baseline = np.interp(t, [100, 200, 300], [0, -depth, 0])
    wave = (pulses + baseline).astype(np.float32)[None]
    rois = make((0, 100, 301), wires=1)
    broken = separate(cut(rois, valleys(rois, wave, noise(100), SETTINGS)))
    assert triples(broken) == [(0, 100, 200), (0, 201, 301)]
    after = apply_mask(wave, broken.mask(), baseline=True).sum()
    before = apply_mask(wave, rois.mask(), baseline=True).sum()
    assert after == pytest.approx(2 * charge, rel=2e-3)
    # Unbroken, what lies above the level d = D / 2 is left of a pulse of height h:
    # A erf(u) - 2 d sigma sqrt(2) u at exp(-u^2) = d / h.
    level, height = depth / 2, charge / (sigma * math.sqrt(2 * math.pi))
    u = math.sqrt(math.log(height / level))
    left = charge * math.erf(u) - 2 * level * sigma * math.sqrt(2) * u
    assert before == pytest.approx(2 * left, rel=0.01)


def test_the_pulses_of_a_steep_track_regain_their_flanks() -> None:
    # Gaussian pulses of 8 ticks, 12 later on each wire, cut 6 ticks from their middle. Extended
    # halfway to the neighbours they reach 12: within r, less the box below the ends, is left
    # A erf(r / sigma sqrt 2) - 2 r g(r).
    sigma, charge, step, reach, wires = 8.0, 50_000.0, 12, 6, 7
    t = np.arange(TICKS)
    middle = 100 + step * np.arange(wires)
    height = charge / (sigma * math.sqrt(2 * math.pi))
    wave = height * np.exp(-0.5 * ((t - middle[:, None]) / sigma) ** 2)
    short = make(*((w, m - reach, m + reach + 1) for w, m in enumerate(middle)), wires=wires)
    room = make(*((w, m - 50, m + 50) for w, m in enumerate(middle)), wires=wires)
    lower = np.arange(wires - 1)
    longer = extend_rois(short, room, np.repeat(lower, 2), np.repeat(lower + 1, 2))
    for rois, distance in ((short, reach), (longer, reach + step // 2)):
        found = apply_mask(wave.astype(np.float32), rois.mask(), baseline=True).sum(axis=1)[1:-1]
        end = height * math.exp(-0.5 * (distance / sigma) ** 2)
        left = charge * math.erf(distance / sigma / math.sqrt(2)) - 2 * distance * end
        assert found == pytest.approx(left, rel=0.01)


def test_extension_stays_inside_the_roi_before() -> None:
    rois = make((0, 100, 120), (1, 111, 130), (2, 300, 310), wires=3)
    room = make((0, 90, 123), (1, 107, 140), (2, 290, 320), wires=3)
    one, other = np.array([0]), np.array([1])
    # Halfway: 100 to 125 and 105 to 130. The third is linked to nothing.
    expected = [(0, 100, 123), (1, 107, 130), (2, 300, 310)]
    assert triples(extend_rois(rois, room, one, other)) == expected
    none = np.zeros(0, dtype=np.int64)
    assert triples(extend_rois(make(), make(), none, none)) == []


def test_the_ringing_of_the_filter_breaks_nothing() -> None:
    # A pulse of 30 000 electrons a tick after the sharp filter of V, with lobes far above noise.
    frequency = np.fft.rfftfreq(6000, 0.5)
    for sigma, power in FilterSet().wiener_tight[:2]:
        lobes = np.fft.irfft(high_frequency(frequency, sigma, power), 6000)
        lobes = np.roll(lobes / lobes[0], 200)[:TICKS]
        right = lobes[200:240]
        tops = 1 + np.flatnonzero((right[1:-1] > right[:-2]) & (right[1:-1] > right[2:]))
        assert tops[0] < RING_TICKS < tops[1]
        assert 0.05 < right[tops[0]] <= RINGING[1]
        assert 0.16 < -right.min() <= RINGING[0] + 5e-4
        assert right[tops[1]] < 0.02
        wave = (30_000 * lobes).astype(np.float32)[None]
        rois = make((0, 100, 301), wires=1)
        assert len(valleys(rois, wave, noise(200), SETTINGS)) == 0
        # A second pulse at the same place, of a fifth, is told from it.
        wave += np.roll(wave, 11) / 5
        assert len(valleys(rois, wave, noise(200), SETTINGS)) == 1


def test_touching_rois_are_set_apart() -> None:
    runs = make((0, 10, 20), (0, 20, 30), (0, 30, 31), (0, 390, 400), (1, 0, 5), (1, 6, 9))
    expected = [(0, 10, 20), (0, 21, 30), (0, 390, 400), (1, 0, 5), (1, 6, 9)]
    assert triples(separate(runs)) == expected


def test_waveforms_of_another_plane_are_refused() -> None:
    rois, wave = make((0, 10, 20)), np.zeros((2, TICKS - 1), dtype=np.float32)
    with pytest.raises(DataError, match="shape"):
        valleys(rois, wave, noise(1), SETTINGS)
