"""Six images, 4 ticks a bin, cut at 0.2, as production has it: from simulation to Wire-Cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zoo.api import Table
from zoo.config.layers import recipe_layer, resolve
from zoo.config.run import DataConfig
from zoo.engine.context import prediction_context
from zoo.engine.tensors import to_tensors
from zoo.export import export
from zoo.prediction.network import NetworkPredictor
from zoo.prediction.sources import make_simulator
from zoo.runtimes.runtime import open_runtime
from zoo.training.parts import find_parts
from zoo_dnn_roi.baselines import BaselineConfig, Traditional
from zoo_dnn_roi.deploy import RoiDeploy
from zoo_dnn_roi.learner import RoiLearner
from zoo_dnn_roi.plugin import zoo_tasks
from zoo_dnn_roi.specs import SAMPLE, SHOWER_FIELDS

pytestmark = pytest.mark.usefixtures("plugin")

NETWORKS = [name for name, model in zoo_tasks()[0].models.items() if model.networks]
INPUTS = ("loose_lf", "mp2", "mp3", "tight_lf", "decon_charge", "gauss")
TRACK = {"detector": {"wires": 48, "ticks": 798}, "length_mm": 150, "theta_xz": [30]}


@pytest.fixture(scope="module")
def samples() -> Table:
    """Two planes of one muon."""
    data = DataConfig.model_validate({"source": "tracks", "options": TRACK})
    wanted = frozenset(SAMPLE) - SHOWER_FIELDS
    return make_simulator("dnn-roi", data).simulate(np.array([3], np.uint64), wanted)


def settings(model: str = "lite-unet") -> Any:
    """The configuration that the recipe gives a model."""
    parts = find_parts(f"dnn-roi/{model}")
    return resolve(parts.config, [recipe_layer(parts.task.recipes, "production")]).config


def predictor(model: str) -> NetworkPredictor:
    parts, config = find_parts(f"dnn-roi/{model}"), settings(model).model
    nets = parts.networks(config, {}, 0)
    constants = {"threshold": config.threshold}
    codec = parts.codec(config, {}, constants)
    return NetworkPredictor(parts.id, nets, RoiLearner(config, {}), codec)


def test_the_recipe_is_what_production_gives_and_cuts() -> None:
    # wcls-nf-sp-dnnroi.jsonnet of dunereco (reference, section 1.2).
    model = settings().model
    assert model.inputs == INPUTS
    assert (model.rebin, model.scale, model.threshold) == (4, 4000, 0.2)
    assert model.crop.bins * model.rebin == 2000  # as many ticks as `better` has


def test_gauss_is_the_charge_inside_the_traditional_regions(samples: Table) -> None:
    assert samples["gauss"].any()
    assert samples["gauss"].dtype == np.float32
    expected = Traditional(BaselineConfig(), {}).predict(samples)["charge"]
    np.testing.assert_array_equal(samples["gauss"], expected)


@pytest.mark.parametrize("model", NETWORKS)
def test_every_network_learns_from_six_images_and_finds_charge(model: str, samples: Table) -> None:
    made = predictor(model)
    batch = made.codec.encode(samples)
    assert batch.inputs["image"].shape == (2, 6, 48, 200)  # 798 ticks: the last bin is short
    cpu = torch.device("cpu")
    tensors, context = to_tensors(batch, cpu), prediction_context(batch.ids, cpu)
    loss = made.learner.loss(made.networks, tensors, context)
    total = loss.terms["bce"].total
    assert total.isfinite()
    total.backward()  # type: ignore[no-untyped-call]  # untyped there
    first = next(made.networks["net"].parameters())
    assert first.shape[1] == 6
    assert first.grad is not None
    assert first.grad.flatten(2).abs().sum(2).gt(0).any(0).all()  # each image has a say
    assert made.predict(samples)["charge"].shape == samples["truth"].shape


def test_a_bin_is_four_ticks_and_cut_at_a_fifth(samples: Table) -> None:
    probability = np.random.default_rng(0).random((2, 1, 48, 200), np.float32)
    mask = predictor("lite-unet").codec.decode({"probability": probability}, samples)["mask"]
    np.testing.assert_array_equal(mask, np.repeat(probability[:, 0] > 0.2, 4, axis=2)[..., :798])


@pytest.mark.usefixtures("forked_runtime")
@pytest.mark.parametrize(
    "model",
    ["lite-unet", *(pytest.param(n, marks=pytest.mark.slow) for n in NETWORKS if n != "lite-unet")],
)
def test_what_is_exported_says_what_wire_cell_must_give_it(
    model: str, samples: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = ({"batch": 1, "wire": 33, "bin": 50}, {"batch": 2, "wire": 48, "bin": 31})
    monkeypatch.setattr(RoiDeploy, "sizes", sizes)  # the grid of real detectors takes minutes
    made = predictor(model)
    done = export(made, "ts", consumer="wirecell", out=tmp_path)
    sidecar = json.loads((tmp_path / f"dnn-roi-{model}.wirecell.json").read_text())
    assert sidecar["intags"] == [
        *("loose_lf%d", "mp2_roi%d", "mp3_roi%d"),
        *("tight_lf%d", "decon_charge%d", "gauss%d"),
    ]
    assert (sidecar["tick_per_slice"], sidecar["mask_thresh"]) == (4, 0.2)
    image = made.codec.encode(samples).inputs["image"]
    answer = open_runtime(done.path)({"image": image})["probability"]
    np.testing.assert_allclose(answer[:, 0], made.predict(samples)["score"], atol=1e-5, rtol=0)
