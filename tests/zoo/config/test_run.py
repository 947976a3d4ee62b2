"""The sections of a run configuration: defaults, bounds, settings that exclude each other."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from zoo.config.base import Config
from zoo.config.layers import validate
from zoo.config.run import (
    DataConfig,
    EngineConfig,
    OptimizerConfig,
    RunConfig,
    ScheduleConfig,
    TrainingConfig,
    run_config,
)
from zoo.errors import ConfigError


class Toy(Config):
    width: int = 8
    dropout: float | None = 0.5


def test_defaults_are_a_valid_training_of_ten_epochs() -> None:
    run = run_config(Toy)()
    assert isinstance(run.model, Toy)
    assert (run.training.epochs, run.training.steps) == (10, None)
    assert run.optimizers == {"net": OptimizerConfig()}


def test_steps_replace_the_default_epochs() -> None:
    training = TrainingConfig(steps=7)
    assert (training.epochs, training.steps) == (None, 7)


@pytest.mark.parametrize("length", [{"steps": 3, "epochs": 2}, {"epochs": None}])
def test_exactly_one_length(length: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of epochs and steps"):
        TrainingConfig(**length)


def test_configs_are_frozen_and_closed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Toy().width = 3  # type: ignore[misc]  # that it is refused is the test
    with pytest.raises(ValidationError, match="Extra inputs"):
        Toy.model_validate({"widht": 3})


def test_none_by_name_only_where_none_is_allowed() -> None:
    assert Toy.model_validate({"dropout": "none"}).dropout is None
    with pytest.raises(ValidationError, match="valid integer"):
        Toy.model_validate({"width": "none"})


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (OptimizerConfig, {"lr": 0}),
        (OptimizerConfig, {"lr": float("nan")}),
        (OptimizerConfig, {"betas": (0.9, 1.0)}),
        (OptimizerConfig, {"clip": -1}),
        (OptimizerConfig, {"kind": "lbfgs"}),
        (ScheduleConfig, {"kind": "step", "every": 0}),
        (TrainingConfig, {"batch": 0}),
        (TrainingConfig, {"ema": 1.0}),
        (TrainingConfig, {"seed": -1}),
        (TrainingConfig, {"accumulate": "run"}),
        (DataConfig, {"validation": 0.6, "test": 0.5}),
        (DataConfig, {"events": -1}),
        (EngineConfig, {"device": "gpu"}),
        (EngineConfig, {"threads": 0}),
    ],
)
def test_senseless_values_are_refused(section: type[Config], values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        validate(section, values)


def test_integer_betas_become_floats() -> None:
    """torch.optim.Adam refuses (0, 0.9): "betas must be either both floats or both Tensors"."""
    betas = OptimizerConfig.model_validate({"kind": "adam", "betas": [0, 0.9]}).betas
    assert betas == (0.0, 0.9)
    assert all(isinstance(beta, float) for beta in betas)


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        (OptimizerConfig, {"kind": "sgd", "betas": (0.5, 0.9)}, "sgd does not use betas"),
        (OptimizerConfig, {"kind": "adam", "momentum": 0.9}, "adam does not use momentum"),
        (ScheduleConfig, {"kind": "cosine", "factor": 0.5}, "cosine does not use factor"),
        (ScheduleConfig, {"patience": 3, "final": 0.1}, "constant does not use final, patience"),
    ],
)
def test_a_setting_that_would_be_ignored_is_refused(
    section: type[Config], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(section, values)


def test_schema_describes_every_field() -> None:
    schema = run_config(Toy).model_json_schema()
    described = schema["$defs"]["TrainingConfig"]["properties"]
    assert all(field["description"] for field in described.values())
    assert described["batch"]["minimum"] == 1


def test_one_class_for_one_model() -> None:
    assert run_config(Toy) is run_config(Toy)
    assert issubclass(run_config(Toy), RunConfig)
