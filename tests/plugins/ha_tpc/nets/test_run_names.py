"""Names of trainings to settings."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from zoo.api import UsageError
from zoo.cli.app import app
from zoo.config.layers import validate
from zoo.config.run import run_config
from zoo_ha_tpc.config import ResNetConfig
from zoo_ha_tpc.run_names import parse_run_name

NAME = "ResNet50_b64l01p3e30h10_momy-momz"


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_name_of_the_talk() -> None:
    found = parse_run_name(NAME)
    assert found.model == "resnet50"
    assert found.targets == ("p_y", "p_z")
    assert (found.batch, found.lr, found.patience, found.epochs) == (64, 0.01, 3, 30)
    assert found.unknown == {"h": 10}
    config = validate(run_config(ResNetConfig), found.config())
    assert config.optimizers["net"].kind == "sgd"
    assert config.optimizers["net"].schedule.kind == "plateau"
    assert config.optimizers["net"].schedule.patience == 3
    assert (config.data.validation, config.data.test) == (0.15, 0.15)
    assert config.model.model_dump()["loss"] == "mse"


@pytest.mark.parametrize(
    ("name", "model", "targets", "lr"),
    [
        ("ResNet152_b128l001e50_zini", "resnet152", ("z_ini",), 0.001),
        ("resnet18_b1l1_sinphi-phi", "resnet18", ("sin_phi", "phi"), 0.1),
        ("GoogLeNet_b16_momt", "googlenet", ("p_t",), 0.01),
        ("ViT_e50_qpt-yini", "vit", ("q_over_pt", "y_ini"), 0.01),
    ],
)
def test_other_names(name: str, model: str, targets: tuple[str, ...], lr: float) -> None:
    found = parse_run_name(name)
    assert (found.model, found.targets, found.lr) == (model, targets, lr)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ResNet50", "no name of a training"),
        ("ResNet49_b64_momz", "no network 'ResNet49'"),
        ("ResNet50_b64x3_momz", "'b64x3' is not of the letters"),
        ("ResNet50_b64b32_momz", "'b64b32' is not of the letters"),
        ("ResNet50_b_momz", "'b' is not of the letters"),
        ("ResNet50_b64_momx", "no target 'momx'"),
        ("ResNet50_b64_momz-momz", "a target stands twice"),
        ("ResNet50_b0_momz", "must be positive"),
        ("ResNet50_l00_momz", "must be positive"),
    ],
)
def test_bad_names_are_refused(name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        parse_run_name(name)
    assert refused.value.where == name
    assert refused.value.remedy


@pytest.mark.usefixtures("plugin")
def test_the_command_prints_a_file_for_a_training() -> None:
    done = _run("ha-tpc", "recipe", NAME)
    assert done.exit_code == 0, done.output
    assert tomllib.loads(done.stdout) == parse_run_name(NAME).config()
    assert "# h10: its meaning is not known" in done.stdout
    told = json.loads(_run("ha-tpc", "recipe", NAME, "--json").stdout)
    assert told["model"] == "ha-tpc/resnet50"
    assert told["config"] == parse_run_name(NAME).config()
    assert told["unknown"] == {"h": 10}
    refused = _run("ha-tpc", "recipe", "ResNet50_b64_momx", "--json")
    assert refused.exit_code == json.loads(refused.stdout)["exit_code"] == 2
