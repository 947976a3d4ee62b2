"""Networks as predictors: nothing but the samples decides what comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from zoo.artifacts.model_file import ModelRecord, write_model
from zoo.contract.table import Table
from zoo.errors import ConfigError, DataError, UsageError, WeightsError
from zoo.prediction.compatibility import require_facts
from zoo.prediction.network import NetworkPredictor, load_network
from zoo_miniatures.gan.codec import ShowerCodec
from zoo_miniatures.gan.config import GanConfig, ShowersConfig
from zoo_miniatures.gan.learner import WganLatentOptimisation
from zoo_miniatures.gan.models import networks as gan_networks
from zoo_miniatures.gan.sources import Showers


@pytest.fixture
def predictor(model_file: Path) -> NetworkPredictor:
    return load_network(model_file)


def test_predictions_are_the_network_s_in_the_codec_s_units(
    predictor: NetworkPredictor, samples: Table
):
    found = predictor.predict(samples)
    constants = predictor.codec.constants
    pads = samples["pads"] / np.asarray(constants["row_scale"])[:, None]
    with torch.no_grad():
        net = predictor.networks["net"].eval()
        mean, log_variance = net(torch.from_numpy(pads[:, None].astype(np.float32)))
    expected = mean.numpy() * constants["std"] + constants["mean"]
    sigma = np.exp(log_variance.numpy() / 2) * constants["std"]
    np.testing.assert_allclose(found["position"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["sigma"], sigma, rtol=1e-5)
    np.testing.assert_array_equal(found.ids, samples.ids)


@pytest.mark.parametrize("batch", [1, 3, 20])
def test_the_batch_does_not_matter(model_file: Path, samples: Table, batch: int):
    whole = load_network(model_file).predict(samples)
    parts = load_network(model_file, batch=batch).predict(samples)
    for name in whole:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-5)


def test_truth_is_not_looked_at(predictor: NetworkPredictor, samples: Table):
    blind = predictor.predict(samples.select({"pads"}))
    np.testing.assert_array_equal(blind["position"], predictor.predict(samples)["position"])


def test_networks_keep_their_mode_and_get_no_gradient(predictor: NetworkPredictor, samples: Table):
    net = predictor.networks["net"]
    net.train()
    frozen = next(iter(net.children()))
    frozen.eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    predictor.predict(samples)
    assert net.training
    assert not frozen.training
    assert all(parameter.grad is None for parameter in net.parameters())
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_keys_seed_what_the_codec_draws_and_the_ids_stay():
    # The latent vector of mini-gan is drawn in encode: keys k give what samples with ids k get.
    source = Showers(ShowersConfig(layers=6))
    config = GanConfig()
    samples = source.simulate(np.arange(5, dtype=np.uint64), frozenset({"energy"}))
    predictor = NetworkPredictor(
        "mini-gan/wgan-lo",
        gan_networks(config, source.facts),
        WganLatentOptimisation(config, source.facts),
        ShowerCodec(config, source.facts, {}),
        batch=2,
    )
    keys = np.arange(100, 105)
    found = predictor.predict(samples, keys)
    renamed = predictor.predict(samples.with_columns({"id": keys.astype(np.uint64)}))
    np.testing.assert_array_equal(found["layers"], renamed["layers"])
    np.testing.assert_array_equal(found.ids, samples.ids)
    assert not np.allclose(found["layers"], predictor.predict(samples)["layers"], rtol=1e-3)


def test_buffers_of_the_learner_are_loaded(tmp_path: Path):
    source = Showers(ShowersConfig(layers=6))
    config = GanConfig()
    nets = gan_networks(config, source.facts)
    tensors = {
        f"networks/{name}/{key}": tensor.numpy()
        for name, net in nets.items()
        for key, tensor in net.state_dict().items()
    }
    record = ModelRecord(
        model="mini-gan/wgan-lo",
        plugin="mini-gan",
        plugin_version="0",
        api="1.0",
        config=config.model_dump(mode="json"),
        facts=source.facts,
        tensors={**tensors, "learner/squared_gradient": np.float32(0.25).reshape(())},
    )
    write_model(tmp_path / "model.safetensors", record)
    learner = load_network(tmp_path / "model.safetensors").learner
    assert isinstance(learner, WganLatentOptimisation)
    assert float(learner.squared_gradient) == 0.25
    write_model(tmp_path / "model.safetensors", replace(record, tensors=tensors))
    with pytest.raises(WeightsError, match="'squared_gradient' is missing"):
        load_network(tmp_path / "model.safetensors")


def test_a_missing_field_is_named_with_who_needs_it(predictor: NetworkPredictor, samples: Table):
    with pytest.raises(DataError, match="pads: mini-track/pad-net needs this field"):
        predictor.predict(samples.select({"position"}))


def test_no_samples_no_batch_no_device(predictor: NetworkPredictor, samples: Table):
    with pytest.raises(DataError, match="no samples"):
        predictor.predict(samples.take(slice(0, 0)))
    parts = (predictor.networks, predictor.learner, predictor.codec)
    with pytest.raises(UsageError, match="batch of 0"):
        NetworkPredictor("x", *parts, batch=0)
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="no CUDA device"):
            NetworkPredictor("x", *parts, device="cuda")


def test_data_of_another_detector_are_refused_by_the_name_of_the_fact(
    predictor: NetworkPredictor,
):
    same = {"geometry": {"pads": 24, "pitch": [4.0, 4.0]}, "noise": 99.0}
    require_facts("net", predictor, same, "data.h5")  # noise is what an evaluation may change
    require_facts("net", predictor, {"geometry": {"pads": 24}}, "data.h5")  # says less
    require_facts("net", predictor, {}, "data.h5")
    other = {"geometry": {"pads": 24, "pitch": [4.0, 5.0]}}
    with pytest.raises(DataError, match=r"'geometry\.pitch' is not that of the weights of net"):
        require_facts("net", predictor, other, "data.h5")
