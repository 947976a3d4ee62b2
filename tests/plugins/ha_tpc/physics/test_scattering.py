"""Multiple scattering against the Particle Data Group's formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoo_ha_tpc.physics.helix import Tracks, helix
from zoo_ha_tpc.physics.pad_plane import read_plane
from zoo_ha_tpc.physics.scattering import Path, highland, walk

# Room on all sides, so that no track of the tests leaves.
WIDE = read_plane("ha-tpc")
WIDE = replace(WIDE, drift_mm=4000.0, y=replace(WIDE.y, pitch_mm=100.0))
MUON = 0.1056583755
LENGTH = 1500.0


def tracks(count: int, *, p_t: float = 0.4, tan_lambda: float = 0.0) -> Tracks:
    columns = (1 / p_t, 0.0, tan_lambda, 300.0, 0.0, 0.0)
    return Tracks(*(np.full(count, value) for value in columns))


def path(some: Tracks, radiation_length_mm: float, step_mm: float = 3.0) -> Path:
    return walk(
        np.arange(len(some), dtype=np.uint64),
        some,
        WIDE,
        length_mm=np.full(len(some), LENGTH),
        step_mm=step_mm,
        mass=MUON,
        radiation_length_mm=radiation_length_mm,
    )


def test_highland_by_hand() -> None:
    """1 GeV/c muon, 1 m of 117.5 m: 13.676e-3 x 0.092253 x (1 - 0.038 x 4.7554) = 1.0337 mrad."""
    angle = highland(np.array([1.0]), MUON, np.array([1 / 117.5]))
    assert angle.item() == pytest.approx(1.0337e-3, rel=1e-3)


@pytest.mark.parametrize("tan_lambda", [0.0, 0.7])
def test_without_scattering_the_path_is_the_helix(tan_lambda: float) -> None:
    one = tracks(1, tan_lambda=tan_lambda)
    walked = path(one, np.inf)
    flat = (np.arange(walked.x_mm.shape[1]) + 0.5) * 3 / np.hypot(1, tan_lambda)
    for ours, exact in zip(
        (walked.x_mm, walked.y_mm, walked.z_mm), helix(one, 0.2, flat), strict=True
    ):
        np.testing.assert_allclose(ours, exact, atol=2e-3)


def test_angle_and_offset_are_highlands() -> None:
    """RMS of the angle at the end, and of the offset: that angle times L / sqrt(3)."""
    many, radiation_length = tracks(1500), 20_000.0
    walked, straight = path(many, radiation_length), path(tracks(1), np.inf)
    step = int(LENGTH / 3) - 1
    momentum, thickness = np.array([0.4]), np.array([LENGTH / radiation_length])
    angle = highland(momentum, MUON, thickness).item()
    ends = np.stack([walked.y_mm - straight.y_mm, walked.x_mm - straight.x_mm])
    # Perpendicular to the track, which the field has turned by 0.22 rad at the end.
    turn = 0.299792458 * 0.2 / 0.4 * LENGTH / 1000
    ends[0] = ends[0] * np.cos(turn) - (walked.z_mm - straight.z_mm) * np.sin(turn)
    error = 4 / np.sqrt(2 * len(many))
    for offset in ends:
        rms = offset[:, step].std()
        assert rms == pytest.approx(angle * LENGTH / np.sqrt(3), rel=error + 0.02)
        slope = (offset[:, step] - offset[:, step - 10]) / 30
        assert slope.std() == pytest.approx(angle, rel=error + 0.02)


def test_the_same_key_walks_the_same_way_in_any_company() -> None:
    together = path(tracks(5), 117_500.0)
    alone = walk(
        np.array([3], np.uint64),
        tracks(1),
        WIDE,
        length_mm=np.array([LENGTH]),
        step_mm=3.0,
        mass=MUON,
        radiation_length_mm=117_500.0,
    )
    assert np.array_equal(together.y_mm[3], alone.y_mm[0])
    assert np.array_equal(together.alive[3], alone.alive[0])


def test_tracks_end_where_they_leave() -> None:
    leaving = Tracks(*(np.array([v]) for v in (1.0, 0.0, 0.0, 300.0, 0.0, WIDE.z.length_mm - 50)))
    walked = path(leaving, np.inf)
    assert walked.alive.sum() == 17  # steps of 3 mm whose middles lie within 50 mm
    assert not walked.alive[0, 17:].any()
