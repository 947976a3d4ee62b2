"""The sources by their names: `zoo data check` and `zoo data convert`, from end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from typer.testing import CliRunner

from zoo.cli.app import app
from zoo.registry import registry


@pytest.fixture(autouse=True)
def plugin() -> Iterator[None]:
    """The registry with this plugin alone, whatever is installed."""
    point = EntryPoint("optics", "zoo_optics.plugin", "zoo.plugins")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.registry.entry_points", lambda **_: [point])
        registry.cache_clear()
        yield
    registry.cache_clear()


def zoo(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_each_source_is_checked(tmp_path: Path, light: ModuleType) -> None:
    position = light.places(10)
    axis = np.tile([0.0, 0, 1], (10, 1))
    simplesim = light.write_simplesim(tmp_path / "s.h5", position, light.charges(position))
    seen = light.charges(position, forward=axis)
    watchmal = light.write_watchmal(tmp_path / "w.h5", position, axis, seen)
    library, lut = light.write_library(tmp_path / "p.h5"), light.write_lut(tmp_path / "l.npz")
    tank, wall = light.tank_file(tmp_path), light.opdet_file(tmp_path)
    corners = [
        f"data.options.{name}_cm={json.dumps(c)}"
        for name, c in zip(("low", "high"), light.BOX, strict=True)
    ]
    for name, path, geometry, settings in (
        ("simplesim", simplesim, tank, []),
        ("watchmal", watchmal, tank, ["data.options.photons_per_mev=25"]),
        ("photon-library", library, wall, ["data.options.photons=100000"]),
        ("lut-npz", lut, wall, ["data.options.photons=100000", *corners]),
    ):
        sets = [f"data.options.geometry={geometry}", *settings]
        arguments = [part for text in sets for part in ("--set", text)]
        code, output = zoo("data", "check", "optics", "--data", f"{name}:{path}", *arguments)
        assert code == 0, output
        assert "charge" in output


def test_a_refusal_says_what_where_and_the_remedy(tmp_path: Path, light: ModuleType) -> None:
    position = light.places(10)
    path = light.write_simplesim(tmp_path / "s.h5", position, light.charges(position))
    mixed = light.tank_file(tmp_path, np.random.default_rng(1).permutation(len(light.tank()[0])))
    command = ["--data", f"simplesim:{path}", "--set", f"data.options.geometry={mixed}"]
    code, output = zoo("data", "check", "optics", *command)
    told = " ".join(output.split())
    assert code == 4
    assert "do not follow the solid angles" in told
    assert str(path) in told.replace(" ", "") or "s.h5" in told
    assert "remedy: give the geometry that the file was made with" in told


def test_a_converted_file_has_the_same_geometry(tmp_path: Path, light: ModuleType) -> None:
    position = light.places(10)
    path = light.write_simplesim(tmp_path / "s.h5", position, light.charges(position))
    settings = ["--set", f"data.options.geometry={light.tank_file(tmp_path)}"]
    out = tmp_path / "ours.h5"
    code, output = zoo(
        "data", "convert", "optics", "--data", f"simplesim:{path}", "--out", str(out), *settings
    )
    assert code == 0, output
    code, output = zoo("data", "check", "optics", "--data", str(out), "--json")
    assert code == 0, output
    assert json.loads(output)["rows"] == 10
