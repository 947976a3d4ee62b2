"""The published training fits every network, and costs what it did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo.api import Batch
from zoo.config.layers import recipe_layer, resolve
from zoo.training.estimate import sample_work
from zoo.training.parts import find_parts
from zoo_dnn_roi.plugin import zoo_tasks

pytestmark = pytest.mark.usefixtures("plugin")

NETWORKS = [name for name, model in zoo_tasks()[0].models.items() if model.networks]


def paper(model: str) -> Any:
    """The configuration that the recipe gives a model."""
    parts = find_parts(f"dnn-roi/{model}")
    return resolve(parts.config, [recipe_layer(parts.task.recipes, "paper")]).config


def work(model: str) -> float:
    """Multiply-adds of a plane of 800 x 600, with gradient."""
    parts, config = find_parts(f"dnn-roi/{model}"), paper(model)
    image = np.zeros((1, 3, 800, 600), np.float32)
    mask = np.zeros((1, 1, 800, 600), np.bool_)
    batch = Batch({"image": image}, {"mask": mask}, np.zeros(1, np.uint64))
    networks = parts.networks(config.model, {}, 0)
    return sample_work(config, networks, parts.learner(config.model, {}), batch)


@pytest.mark.parametrize("model", NETWORKS)
def test_one_rate_for_every_network(model: str) -> None:
    # train4.sh of the public training code: one loop over its networks, all with --learning-rate
    # 0.1 and 50 epochs.
    config = paper(model)
    assert (config.optimizers["net"].kind, config.optimizers["net"].lr) == ("sgd", 0.1)
    assert (config.training.batch, config.training.epochs) == (1, 50)
    assert config.model.inputs == ("loose_lf", "mp2", "mp3")
    assert config.model.distill is None


@pytest.mark.parametrize(
    ("model", "forward"),
    # Reference, section 3: 10^9 multiply-adds at 800 x 608.
    [("unet", 229.5), ("transformer-unet", 268.2)],
)
def test_a_gradient_costs_twice_what_the_answer_costs(model: str, forward: float) -> None:
    assert work(model) / 1e9 == pytest.approx(3 * forward * 600 / 608, rel=0.01)


def test_the_published_training_of_the_unet_takes_about_a_hundred_cpu_hours() -> None:
    # Reference, section 7: 229.5 x 10^9 in 4.5 to 6.95 CPU-seconds; section 0: 531 planes.
    operations = 50 * 531 * work("unet")
    hours = [operations / (229.5e9 / seconds) / 3600 for seconds in (4.5, 6.95)]
    assert 90 < hours[0] < hours[1] < 160
