"""Tracks to batches and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_ha_tpc.codec import ImageCodec
from zoo_ha_tpc.config import ImageConfig
from zoo_ha_tpc.physics.pad_plane import PadPlane

Tracks = Callable[..., Table]


def made(plane: PadPlane, training: Table, **settings: Any) -> ImageCodec:
    config = ImageConfig.model_validate(settings)
    return ImageCodec(config, plane.facts(), ImageCodec.fit(config, plane.facts(), [training]))


def test_truth_comes_back(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(20)
    codec = made(plane, samples)
    truth = codec.encode(samples).targets["truth"]
    assert truth.dtype == np.float32
    np.testing.assert_allclose(truth.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(truth.std(0), 1, rtol=1e-5)
    found = codec.decode({"value": truth, "error": np.full_like(truth, 0.5)}, samples)
    for name in ("q_over_pt", "phi", "y_ini", "z_ini"):
        np.testing.assert_allclose(found[name], samples[name], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(found[f"{name}_error"], 0.5 * samples[name].std(), rtol=1e-4)
    q, phi = samples["q_over_pt"].astype(float), samples["phi"].astype(float)
    np.testing.assert_allclose(found["p_y"], np.sin(phi) / np.abs(q), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found["p_t"], 1 / np.abs(q), rtol=1e-3)


def test_constants_do_not_depend_on_the_blocks(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(20)
    config, facts = ImageConfig(), plane.facts()
    blocks = [samples.take(slice(0, 3)), samples.take(slice(3, 20))]
    whole, cut = (ImageCodec.fit(config, facts, parts) for parts in ([samples], blocks))
    np.testing.assert_allclose(whole["mean"], cut["mean"])
    np.testing.assert_allclose(whole["std"], cut["std"])


def test_momenta_are_targets_too(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(10)
    codec = made(plane, samples, targets=["p_z", "sin_phi"], loss="mse")
    assert codec.targets == {"q_over_pt", "phi"}
    truth = codec.encode(samples).targets["truth"]
    found = codec.decode({"value": truth}, samples)
    p_z = np.cos(samples["phi"]) / np.abs(samples["q_over_pt"])
    np.testing.assert_allclose(found["p_z"], p_z, rtol=1e-4)
    assert set(found) == {"id", "p_z", "sin_phi"}


def test_a_direction_is_answered_within_one_turn(tracks: Tracks, plane: PadPlane) -> None:
    codec = made(plane, tracks(10), targets=["phi"])
    (mean,), (std,) = codec.constants["mean"], codec.constants["std"]
    beyond = np.array([[(np.pi + 0.1 - mean) / std]], np.float32)
    found = codec.decode({"value": beyond}, tracks(1))
    assert found["phi"][0] == pytest.approx(0.1 - np.pi, abs=1e-5)
    assert codec.encode(tracks(2)).targets["period"][1, 0] == pytest.approx(2 * np.pi / std)


def test_hits_go_in_flat(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(3)
    batch = made(plane, samples, images=["width", "charge", "time"]).encode(samples)
    inputs = batch.inputs
    np.testing.assert_array_equal(inputs["hits"], samples["hit_row"].lengths)
    np.testing.assert_array_equal(np.bincount(inputs["event"]), inputs["hits"])
    np.testing.assert_array_equal(inputs["row"], samples["hit_row"].values)
    width, charge, time = inputs["values"].T
    np.testing.assert_allclose(width, samples["hit_width"].values / 1000, rtol=1e-6)
    np.testing.assert_allclose(time, samples["hit_time"].values / 1000, rtol=1e-6)
    expected = np.log1p(samples["hit_charge"].values) / np.log(4096)
    np.testing.assert_allclose(charge, expected, rtol=1e-6)
    plain = made(plane, samples, log_charge=False).encode(samples)
    np.testing.assert_allclose(plain.inputs["values"][:, 0] * 4095, samples["hit_charge"].values)


def test_errors_are_calibrated_on_the_validation_split(tracks: Tracks, plane: PadPlane) -> None:
    """Residuals twice as wide as told: errors are doubled, of each target by its own factor."""
    samples = tracks(400)
    codec = made(plane, samples, targets=["phi", "z_ini"])
    noise = np.random.default_rng(2).normal(size=(400, 2)) * [2.0, 0.5]
    outputs = {
        "value": codec.encode(samples).targets["truth"] + 0.1 * noise,
        "error": np.full((400, 2), 0.1),
    }
    constants = {**codec.constants, **codec.tune([(samples, codec.decode(outputs, samples))])}
    assert constants["pull"] == pytest.approx([2, 0.5], rel=0.1)
    tuned = ImageCodec(codec.config, codec.facts, constants).decode(outputs, samples)
    for name in ("phi", "z_ini"):
        pull = np.abs(tuned[name] - samples[name]) / tuned[f"{name}_error"]
        assert (pull < 1).mean() == pytest.approx(0.683, abs=0.005)
    assert made(plane, samples, calibrate=False).tune([]) == {}


def test_what_cannot_be_learnt_is_refused(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(5)
    config, facts = ImageConfig(), plane.facts()
    with pytest.raises(DataError, match="no truth to learn") as refused:
        ImageCodec.fit(config, facts, [samples.select(["q_over_pt", "y_ini", "z_ini"])])
    assert refused.value.where == "phi"
    unknown = np.array(samples["phi"])
    unknown[2] = np.nan
    with pytest.raises(DataError, match="1 of 5 tracks have no true value"):
        ImageCodec.fit(config, facts, [samples.with_columns({"phi": unknown})])
    same = samples.with_columns({"z_ini": np.zeros(5, np.float32)})
    with pytest.raises(DataError, match="all 5 training tracks have the same z_ini"):
        ImageCodec.fit(config, facts, [same])
    with pytest.raises(DataError, match="no training samples"):
        ImageCodec.fit(config, facts, [])


def test_another_plane_is_refused(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(3)
    codec = made(plane, samples)
    column = samples["hit_column"]
    wide = Ragged(np.where(np.arange(len(column.values)) == 7, 48, column.values), column.offsets)
    with pytest.raises(DataError, match="a hit at 48, and the plane small has 48"):
        codec.encode(samples.with_columns({"hit_column": wide}))
    with pytest.raises(DataError, match="no pad plane"):
        ImageCodec(codec.config, {}, codec.constants).encode(samples)
