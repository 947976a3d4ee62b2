"""mini-track: diffusion, fitted and tuned constants, augmentation, baselines."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import ndtri

from zoo.api import Batch, Table
from zoo.engine.context import step_context
from zoo_miniatures.track.baselines import Centroid, DiffusionFit
from zoo_miniatures.track.codec import PadCodec
from zoo_miniatures.track.config import BaselineConfig, PadNetConfig, TracksConfig
from zoo_miniatures.track.learner import Heteroscedastic
from zoo_miniatures.track.metrics import PositionMetrics
from zoo_miniatures.track.physics import edges, pad_shares
from zoo_miniatures.track.sources import Tracks, Untimed

FIELDS = frozenset({"pads", "position", "drift", "drift_time"})
KEYS = np.arange(400, dtype=np.uint64)
CPU = torch.device("cpu")


def test_the_charge_spreads_with_the_square_root_of_the_drift():
    # Variance: intrinsic 2.5^2, diffusion 0.25^2 x 400 mm, and pitch^2 / 12 of the pads.
    shares = pad_shares(np.array([0.0]), np.array([400.0]), {"diffusion": 0.25})[0]
    middle = edges()[:-1] + 5.0
    assert shares.sum() == pytest.approx(1.0, abs=1e-9)
    assert shares @ middle == pytest.approx(0.0, abs=1e-9)
    assert shares @ middle**2 == pytest.approx(2.5**2 + 0.25**2 * 400 + 100 / 12, rel=0.01)


def test_fields_of_the_two_sources():
    timed = Tracks(TracksConfig()).simulate(KEYS[:3], FIELDS)
    untimed = Untimed(TracksConfig()).simulate(KEYS[:3], FIELDS)
    assert set(timed) - set(untimed) == {"drift_time"}
    np.testing.assert_allclose(timed["drift_time"], timed["drift"] / 70.0, rtol=1e-6)
    np.testing.assert_array_equal(timed["pads"], untimed["pads"])


def test_the_diffusion_fit_is_exact_without_noise_and_beats_the_centroid_with_it():
    quiet = Tracks(TracksConfig(noise=0.0))
    samples = quiet.simulate(KEYS, FIELDS)
    exact = DiffusionFit(BaselineConfig(), quiet.facts).predict(samples)["position"]
    np.testing.assert_allclose(exact, samples["position"], atol=0.01)

    noisy = Tracks(TracksConfig())
    samples = noisy.simulate(KEYS, FIELDS)
    spread = {}
    for algorithm in (Centroid, DiffusionFit):
        predictor = algorithm(BaselineConfig(), noisy.facts)
        predictor.fit([samples])
        residual = predictor.predict(samples)["position"] - samples["position"]
        spread[algorithm] = np.std(residual)
        assert predictor.sigma == pytest.approx(np.quantile(np.abs(residual), 0.6827), rel=1e-3)
    assert spread[DiffusionFit] < spread[Centroid] < 3.0


def fitted(samples: Table) -> PadCodec:
    config = PadNetConfig()
    return PadCodec(config, {}, PadCodec.fit(config, {}, [samples.take(slice(0, 100)), samples]))


def test_encode_and_decode_are_inverse():
    samples = Tracks(TracksConfig()).simulate(KEYS, FIELDS)
    codec = fitted(samples)
    batch = codec.encode(samples)
    assert batch.inputs["pads"].shape == (400, 1, 6, 16)
    assert batch.inputs["pads"].max(axis=(1, 3)).mean(0) == pytest.approx(np.ones(6), rel=0.05)
    outputs = {"mean": batch.targets["position"], "log_variance": np.zeros(400, np.float32)}
    made = codec.decode(outputs, samples)
    np.testing.assert_allclose(made["position"], samples["position"], atol=1e-3)
    assert made["sigma"] == pytest.approx(codec.constants["std"], rel=1e-6)
    assert made["accepted"].all()


def test_a_mirrored_track_is_where_the_mirror_says():
    simulator = Tracks(TracksConfig(noise=0.0))
    samples = simulator.simulate(KEYS, FIELDS)
    changed = fitted(samples).augment(samples, KEYS)
    flipped = changed["position"] == -samples["position"]
    assert 0.4 < flipped.mean() < 0.6
    fit = DiffusionFit(BaselineConfig(), simulator.facts).predict(changed)["position"]
    np.testing.assert_allclose(fit, changed["position"], atol=0.01)


def test_tune_calibrates_and_cuts():
    # Residuals twice as wide as reported: the scale is two; the cut keeps nine tenths.
    samples = Tracks(TracksConfig()).simulate(KEYS, FIELDS)
    codec = fitted(samples)
    spread = 0.5 + np.arange(400) / 400
    quantiles = np.random.default_rng(1).permutation((np.arange(400) + 0.5) / 400)
    residual = 2 * spread * ndtri(quantiles)
    predictions = Table(
        {"id": samples.ids, "position": samples["position"] + residual, "sigma": spread}
    )
    halves = [(slice(0, 150)), slice(150, 400)]
    tuned = codec.tune([(samples.take(h), predictions.take(h)) for h in halves])
    assert tuned["sigma_scale"] == pytest.approx(2.0, rel=0.01)
    kept = tuned["sigma_scale"] * spread <= tuned["sigma_cut"]
    assert kept.mean() == pytest.approx(0.9, abs=0.005)
    final = PadCodec(codec.config, {}, {**codec.constants, **tuned})
    log_variance = 2 * np.log(spread / codec.constants["std"])
    made = final.decode({"mean": np.zeros(400), "log_variance": log_variance}, samples)
    assert made["accepted"].mean() == pytest.approx(0.9, abs=0.005)


def test_the_likelihood_is_gaussian():
    class Fixed(torch.nn.Module):
        def forward(self, pads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.tensor([1.0, 2.0]), torch.tensor([0.0, 2.0])

    batch = Batch({"pads": torch.zeros(2)}, {"position": torch.tensor([3.0, 2.0])}, KEYS[:2])
    loss = Heteroscedastic(None, {}).loss(
        {"net": Fixed()}, batch, step_context(0, 0, "net", KEYS[:2], CPU)
    )
    # (r^2 / v + ln v) / 2: (4 + 0) / 2 and (0 + 2) / 2.
    assert loss.terms["likelihood"].total.item() == pytest.approx(3.0)
    assert loss.terms["likelihood"].count == 2
    assert loss.terms["squared_error"].weight == 0.0


def test_resolution_is_half_of_the_central_interval():
    ids = np.arange(4000, dtype=np.uint64)
    residual = 1.5 * np.random.default_rng(0).normal(size=4000)
    samples = Table({"id": ids, "position": np.zeros(4000), "drift": np.full(4000, 10.0)})
    predictions = Table(
        {
            "id": ids,
            "position": residual,
            "sigma": np.full(4000, 1.5),
            "accepted": np.ones(4000, np.int8),
        }
    )
    metrics = PositionMetrics({})
    numbers = {n.name: n.value for n in metrics.summarise(metrics.measure(samples, predictions))}
    # A normal distribution: its central 68.27 % is plus-minus one sigma.
    assert numbers["resolution"] == pytest.approx(1.5, rel=0.05)
    assert numbers["pull width"] == pytest.approx(1.0, rel=0.05)
    assert numbers["efficiency"] == 100.0
