"""The network on clusters: untrained it is the classical fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from zoo.api import Batch, DataError, Ragged, Table
from zoo.engine.context import prediction_context
from zoo.engine.tensors import to_tensors
from zoo.prediction.network import NetworkPredictor
from zoo_ha_tpc.clusters import feature_names, summary_names
from zoo_ha_tpc.codec import ClusterCodec
from zoo_ha_tpc.config import ClusterNetConfig
from zoo_ha_tpc.fitting import fit_tracks
from zoo_ha_tpc.learner import TrackLearner
from zoo_ha_tpc.models.cluster_net import networks
from zoo_ha_tpc.physics.pad_plane import PadPlane
from zoo_ha_tpc.quantities import completed

Tracks = Callable[..., Table]
QUANTITIES = ("q_over_pt", "phi", "y_ini", "z_ini")


def made(
    plane: PadPlane, training: Table, **settings: Any
) -> tuple[ClusterCodec, dict[str, nn.Module]]:
    torch.manual_seed(3)
    config = ClusterNetConfig.model_validate({"width": 12, "layers": 2, **settings})
    constants = ClusterCodec.fit(config, plane.facts(), [training])
    return ClusterCodec(config, plane.facts(), constants), networks(config, plane.facts())


def predictor(codec: ClusterCodec, nets: dict[str, nn.Module]) -> NetworkPredictor:
    learner = TrackLearner(codec.config, codec.facts)
    return NetworkPredictor("ha-tpc/cluster-net", nets, learner, codec)


def stirred(nets: dict[str, nn.Module]) -> dict[str, nn.Module]:
    """No longer as it begins."""
    with torch.no_grad():
        for one in nets["net"].parameters():
            one.add_(0.2 * torch.randn_like(one))
    return nets


def tensors(codec: ClusterCodec, samples: Table) -> Batch:
    return to_tensors(codec.encode(samples), torch.device("cpu"))


@pytest.mark.parametrize("loss", ["student-nll", "quantile", "mse"])
def test_untrained_it_is_the_fit(loss: str, tracks: Tracks, plane: PadPlane) -> None:
    """To float32 of numbers in standard units; errors too, within 0.0001 and 1 of the spread."""
    samples = tracks(12)
    codec, nets = made(plane, samples, loss=loss)
    found = predictor(codec, nets).predict(samples)
    fits = fit_tracks(plane, samples, codec.calibration)
    for name in QUANTITIES:
        spread = samples[name].astype(float).std()
        np.testing.assert_allclose(found[name], getattr(fits, name), rtol=1e-6, atol=1e-6 * spread)
        if loss != "mse":
            error = np.clip(getattr(fits, f"{name}_error"), 1e-4 * spread, spread)
            np.testing.assert_allclose(found[f"{name}_error"], error, rtol=1e-5)
    assert np.median(np.abs(found["q_over_pt"] / samples["q_over_pt"] - 1)) < 0.05  # and is good


def test_derived_targets_start_as_the_fit_too(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(6)
    codec, nets = made(plane, samples, targets=["p_z", "sin_phi"])
    found = predictor(codec, nets).predict(samples)
    fits = fit_tracks(plane, samples, codec.calibration)
    expected = completed({"q_over_pt": fits.q_over_pt, "phi": fits.phi})
    np.testing.assert_allclose(found["p_z"], expected["p_z"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["sin_phi"], expected["sin_phi"], rtol=1e-5, atol=1e-6)


def test_estimates_beyond_belief_are_limited(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(6)
    codec, _ = made(plane, samples)
    narrow = {**codec.constants, "std": [one / 1000 for one in codec.constants["std"]]}
    inputs = ClusterCodec(codec.config, codec.facts, narrow).encode(samples).inputs
    assert np.abs(inputs["start"]).max() == 5
    assert inputs["scale"].max() == 1


@pytest.mark.parametrize("start", ["fit", "charges", "direct"])
def test_every_parameter_learns(start: str, tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(6)
    codec, nets = made(plane, samples, start=start, times=True)
    batch = tensors(codec, samples)
    loss = TrackLearner(codec.config, {}).loss(
        stirred(nets), batch, prediction_context(batch.ids, torch.device("cpu"))
    )
    sum(term.total for term in loss.terms.values()).backward()
    lacking = [
        name
        for name, one in nets["net"].named_parameters()
        if one.grad is None or not (one.grad.abs().sum() > 0 and one.grad.isfinite().all())
    ]
    assert not lacking


@pytest.mark.parametrize("start", ["fit", "charges", "direct"])
def test_a_track_is_predicted_alike_in_any_company(
    start: str, tracks: Tracks, plane: PadPlane
) -> None:
    """Also beside longer tracks, to which it is padded."""
    long = tracks(4)
    column = long["hit_column"]
    short = [np.flatnonzero(column[row] < 12) for row in range(4)]
    cut = {
        name: Ragged.of([long[name][row][short[row]] for row in range(4)])
        for name in long
        if isinstance(long[name], Ragged)
    }
    other = long.with_columns({**cut, "id": long.ids + np.uint64(50)})
    codec, nets = made(plane, tracks(12), start=start)
    whole = predictor(codec, stirred(nets)).predict(Table.concat([other, long]))
    apart = Table.concat([predictor(codec, nets).predict(part) for part in (other, long)])
    for name in whole:
        np.testing.assert_allclose(apart[name], whole[name], rtol=2e-4, atol=1e-4)
    assert whole["z_ini"].std() > 0.1  # else any constant would do


def test_a_direct_network_is_told_nothing_of_the_fit(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(4)
    codec, _ = made(plane, samples, start="direct")
    assert set(codec.encode(samples).inputs) == {"clusters", "present", "summary"}
    told = {*feature_names(codec.config), *summary_names(codec.config)}
    assert not told & {"residual", "used", "along", "length", "sin phi", "good"}


def test_features_are_those_of_the_clusters(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(5)
    codec, _ = made(plane, samples, times=True)
    inputs = codec.encode(samples).inputs
    clusters = fit_tracks(plane, samples, codec.calibration).clusters
    counts = np.diff(clusters.offsets)
    np.testing.assert_array_equal(inputs["present"].sum(1), counts)
    assert (inputs["clusters"][inputs["present"] == 0] == 0).all()
    flat = inputs["clusters"][inputs["present"] == 1]
    column = dict(zip(feature_names(codec.config), flat.T, strict=True))
    z = (column["z"] + 1) * plane.z.length_mm / 2
    np.testing.assert_allclose(z, clusters.z_mm, atol=1e-3)
    np.testing.assert_allclose(column["residual"], clusters.residual_mm.clip(-5, 5), atol=1e-5)
    np.testing.assert_allclose(np.exp(column["log error"]), clusters.error_mm, rtol=1e-5)
    np.testing.assert_allclose(column["column"] + column["row"] + column["diagonal"], 1)
    charge = np.expm1(column["log charge 2"] * np.log(4096))
    np.testing.assert_allclose(charge, clusters.charges[:, 2], rtol=1e-3)
    assert (column["log charge 2"] >= column["log charge 0"]).all()  # the leading pad
    assert np.ptp(column["time"]) > 0.1
    np.testing.assert_allclose(np.expm1(5 * inputs["summary"][:, 0]), counts, rtol=1e-4)


def test_hits_beside_the_plane_and_tracks_without_hits(tracks: Tracks, plane: PadPlane) -> None:
    samples = tracks(3)
    codec, nets = made(plane, samples)
    row = samples["hit_row"]
    high = samples.with_columns({"hit_row": Ragged(np.full_like(row.values, 32), row.offsets)})
    with pytest.raises(DataError, match="a hit at 32, and the plane small has 32"):
        codec.encode(high)
    empty = {
        name: Ragged(samples[name].values[:0], np.zeros(4, np.int64))
        for name in ("hit_row", "hit_column", "hit_charge")
    }
    found = predictor(codec, stirred(nets)).predict(samples.with_columns(empty))
    assert all(np.isfinite(found[name]).all() for name in QUANTITIES)


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="kernel must be odd, not 4"):
        ClusterNetConfig(kernel=4)
