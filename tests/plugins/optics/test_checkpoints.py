"""Checkpoints of slar: the converted network against slar's formula in plain torch calls.

The layout is that of https://github.com/CIDeR-ML/siren-lartpc (``slar/base.py``, ``SirenVis``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from zoo.contract.table import Table
from zoo.conversion import convert
from zoo.errors import UsageError, WeightsError
from zoo.prediction import load
from zoo_optics.physics.detector import Box, Detector, Sensors

SENSORS, HIDDEN, LAYERS = 4, 8, 2
LOW, HIGH = np.array([-10.0, 0.0, 5.0]), np.array([30.0, 20.0, 105.0])
EPS, VMAX = 1e-7, 1.0


def checkpoint(*, linear: bool = False, first: float = 30.0, **changes: Any) -> dict[str, Any]:
    """What ``SirenVis.model_dict`` holds, with numbers drawn as slar begins."""
    draw = torch.Generator().manual_seed(3)
    widths = [3, *[HIDDEN] * (LAYERS + 1), SENSORS]
    state: dict[str, Tensor] = {}
    for number in range(LAYERS + 2):
        name = f"net.{number}" if linear and number == LAYERS + 1 else f"net.{number}.linear"
        bound = 1 / 3 if number == 0 else (6 / HIDDEN) ** 0.5 / 30
        size = (widths[number + 1], widths[number])
        state[f"{name}.weight"] = bound * (2 * torch.rand(size, generator=draw) - 1)
        state[f"{name}.bias"] = 0.3 * (2 * torch.rand(size[0], generator=draw) - 1) / size[1] ** 0.5
    if linear:  # no light at 0
        state[f"net.{LAYERS + 1}.bias"] += 0.5
    state["output_scale"] = torch.tensor([1.0, 0.9, 0.8, 0.7])
    network = {
        "in_features": 3,
        "hidden_features": HIDDEN,
        "hidden_layers": LAYERS,
        "out_features": SENSORS,
        "outermost_linear": linear,
        "first_omega_0": first,
        "hidden_omega_0": 30.0,
    }
    held = {
        "state_dict": state,
        "xform_cfg": {"vmax": VMAX, "eps": EPS, "sin_out": not linear},
        "model_cfg": {"network": network, "output_scale": {"fix": True}},
        "aabox_ranges": torch.tensor(np.stack([LOW, HIGH], 1)),
        "optimizer": {"state": {}, "param_groups": []},
        "epoch": 7,
    }
    return {**held, **changes}


def visibility_of_slar(held: Mapping[str, Any], points: np.ndarray[Any, Any]) -> Tensor:
    """``SirenVis.visibility`` inside of its box: layers, scale and inverse transformation."""
    state, network = held["state_dict"], held["model_cfg"]["network"]
    x = torch.tensor(2 * (points - LOW) / (HIGH - LOW) - 1, dtype=torch.float64)
    for number in range(LAYERS + 1):
        omega = network["first_omega_0"] if number == 0 else network["hidden_omega_0"]
        weight, bias = (
            state[f"net.{number}.linear.{kind}"].double() for kind in ("weight", "bias")
        )
        x = torch.sin(omega * torch.nn.functional.linear(x, weight, bias))
    last = f"net.{LAYERS + 1}" + ("" if network["outermost_linear"] else ".linear")
    x = torch.nn.functional.linear(x, *(state[f"{last}.{k}"].double() for k in ("weight", "bias")))
    if not network["outermost_linear"]:
        x = torch.sin(30.0 * x)
    y = x * state["output_scale"].double()
    y = (y + 1) / 2 if held["xform_cfg"]["sin_out"] else y
    low, high = np.log10(EPS), np.log10(VMAX + EPS)
    return 10 ** (y * (high - low) + low) - EPS


def library() -> dict[str, Any]:
    """Facts of the data: the box, and sensors on one wall of it."""
    place = LOW + (HIGH - LOW) * np.random.default_rng(0).uniform(size=(SENSORS, 3))
    place[:, 0] = LOW[0]
    inward = np.tile([1.0, 0.0, 0.0], (SENSORS, 1))
    box = Box(tuple(LOW.tolist()), tuple(HIGH.tolist()))
    return Detector(Sensors(place, inward, 10.0), box).facts()


def saved(tmp_path: Path, held: object) -> Path:
    path = tmp_path / "slar.ckpt"
    torch.save(held, path)
    return path


POINTS = LOW + (HIGH - LOW) * np.random.default_rng(1).uniform(0.02, 0.98, (32, 3))


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(("linear", "first"), [(False, 30.0), (True, 30.0), (False, 20.0)])
def test_it_sees_what_slar_sees(tmp_path: Path, linear: bool, first: float):
    held = checkpoint(linear=linear, first=first)
    out = tmp_path / "model.safetensors"
    told = convert(saved(tmp_path, held), "optics/siren-slar", out, facts=library())
    assert (told.layout, told.config["hidden"]) == ("slar", HIDDEN)
    samples = Table(
        {
            "id": np.arange(len(POINTS), dtype=np.uint64),
            "position": POINTS.astype(np.float32),
            "photons": np.ones(len(POINTS)),
        }
    )
    found = load(out).predict(samples, None)["charge"]
    expected = visibility_of_slar(held, POINTS.astype(np.float32)).numpy()
    assert np.ptp(np.log(expected)) > 1  # there is something to see
    np.testing.assert_allclose(found, expected.clip(1e-3 * EPS), rtol=2e-3, atol=2e-9)


@pytest.mark.usefixtures("plugin")
def test_the_slope_is_that_of_autograd(tmp_path: Path):
    out = tmp_path / "model.safetensors"
    convert(saved(tmp_path, checkpoint()), "optics/siren-slar", out, facts=library())
    net: Any = load(out).networks["net"].double()  # type: ignore[attr-defined]  # networks
    points = torch.tensor(POINTS[:5], requires_grad=True)
    logarithm, slope = net.with_slope(points)
    for sensor in range(SENSORS):
        (expected,) = torch.autograd.grad(logarithm[:, sensor].sum(), points, retain_graph=True)
        torch.testing.assert_close(slope[:, sensor], expected)


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("held", "said"),
    [
        (checkpoint()["state_dict"], "it has no 'model_cfg'"),
        (checkpoint(xform_cfg={"vmax": 1.0, "eps": 1e-7}), "'sin_out' is missing"),
        (checkpoint(aabox_ranges=torch.zeros(3, 2)), "its box is"),
        (checkpoint(xform_cfg=None), "no 'xform_cfg'"),
        (
            checkpoint(model_cfg={"network": {"hidden_layers": [2, 3]}}),
            r"hidden_layers is \[2, 3\]",
        ),
        (checkpoint(model_cfg={"network": {}, "hardsigmoid": True}), "hardsigmoid"),
    ],
)
def test_what_the_file_must_say(tmp_path: Path, held: object, said: str):
    with pytest.raises(WeightsError, match=said):
        convert(saved(tmp_path, held), "optics/siren-slar", tmp_path / "m", facts=library())


@pytest.mark.usefixtures("plugin")
def test_where_the_sensors_are_must_be_told(tmp_path: Path):
    with pytest.raises(UsageError, match="does not tell where the sensors are"):
        convert(saved(tmp_path, checkpoint()), "optics/siren-slar", tmp_path / "m.safetensors")
