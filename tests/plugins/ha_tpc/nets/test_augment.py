"""Random changes of training tracks keep truth and pads together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo_ha_tpc.augment import augment, mirrored
from zoo_ha_tpc.config import Augmentation
from zoo_ha_tpc.physics.pad_plane import PadPlane

Tracks = Callable[..., Table]


def changed(samples: Table, plane: PadPlane, keys: Any = None, **settings: float) -> Table:
    chosen = samples.ids if keys is None else keys
    return augment(samples, chosen, Augmentation.model_validate(settings), *plane.shape)


def pads(samples: Table, row: int) -> set[tuple[int, int, int]]:
    columns = (samples[name][row] for name in ("hit_row", "hit_column", "hit_charge"))
    return {(int(r), int(c), int(q)) for r, c, q in zip(*columns, strict=True)}


def test_twice_mirrored_is_as_before(tracks: Tracks, plane: PadPlane) -> None:
    before = tracks(6)
    twice = changed(changed(before, plane, charge_flip=1), plane, charge_flip=1)
    assert set(twice) == set(before)
    for name in before:
        if isinstance(before[name], Ragged):
            np.testing.assert_array_equal(twice[name].values, before[name].values)
            assert twice[name].values.dtype == before[name].values.dtype
        else:
            np.testing.assert_array_equal(twice[name], before[name])


def test_a_mirrored_track_is_that_of_the_antiparticle(tracks: Tracks, plane: PadPlane) -> None:
    """Drawn anew with the opposite charge, direction and height: the same pads and charges."""
    found, expected = changed(tracks(8), plane, charge_flip=1), tracks(8, mirror=True)
    for name in ("q_over_pt", "phi", "y_ini", "z_ini"):
        np.testing.assert_array_equal(found[name], expected[name])
    for row in range(8):
        assert pads(found, row) == pads(expected, row)
        assert pads(found, row) != pads(tracks(8), row)


def test_only_chosen_tracks_are_mirrored(tracks: Tracks, plane: PadPlane) -> None:
    before = tracks(4).with_columns({"cluster_y": Ragged.of([np.arange(1.0, 3)] * 4)})
    after = mirrored(before, np.array([True, False, False, True]), plane.shape[0])
    np.testing.assert_array_equal(np.sign(after["phi"] / before["phi"]), [-1, 1, 1, -1])
    np.testing.assert_array_equal(after["hit_row"][1], before["hit_row"][1])
    np.testing.assert_array_equal(after["hit_row"][0], plane.shape[0] - 1.0 - before["hit_row"][0])
    np.testing.assert_array_equal(after["cluster_y"].values, [-1, -2, 1, 2, 1, 2, -1, -2])


def test_gain_is_one_factor_a_track_and_stays_in_the_converter(
    tracks: Tracks, plane: PadPlane
) -> None:
    before, after = tracks(40), changed(tracks(40), plane, gain=0.2)
    factors = []
    for row in range(40):
        q = before["hit_charge"][row].astype(float)
        ratio = after["hit_charge"][row] / q
        bright = (q > 500) & (q < 3000)
        assert np.ptp(ratio[bright]) < 3e-3
        factors.append(ratio[bright].mean())
    assert 0.8 <= min(factors) < 0.9
    assert 1.1 < max(factors) <= 1.2
    charge = before["hit_charge"]
    bright_pads = Ragged(np.full_like(charge.values, 4000), charge.offsets)
    full = before.with_columns({"hit_charge": bright_pads})
    assert changed(full, plane, gain=0.2)["hit_charge"].values.max() == 4095


def test_dead_pads_lose_their_hits_and_nothing_else(tracks: Tracks, plane: PadPlane) -> None:
    before, after = tracks(60), changed(tracks(60), plane, dead=0.25)
    kept = len(after["hit_row"].values) / len(before["hit_row"].values)
    assert kept == pytest.approx(0.75, abs=0.02)
    for row in range(60):
        assert pads(after, row) < pads(before, row)
        assert len(after["hit_time"][row]) == len(after["hit_row"][row])


def test_a_change_depends_on_the_key_alone(tracks: Tracks, plane: PadPlane) -> None:
    settings = {"charge_flip": 0.5, "gain": 0.1, "dead": 0.1}
    before = tracks(10)
    whole = changed(before, plane, **settings)
    alone = changed(before.take(slice(3, 4)), plane, **settings)
    assert pads(alone, 0) == pads(whole, 3)
    other = changed(before, plane, before.ids + np.uint64(99), **settings)
    assert any(pads(other, row) != pads(whole, row) for row in range(10))
