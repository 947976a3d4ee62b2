"""Installed plugins for the command line: a good one, two broken ones, and two that quarrel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zoo.cli.app import app
from zoo.registry import registry

_PLUGIN = """
from zoo.api import Model, SourceSpec, Task, hookimpl

@hookimpl
def zoo_api():
    return (1, 0)

@hookimpl
def zoo_tasks():
    models = {
        "linear": Model(config="toyzoo.parts:LinearConfig", summary="A matrix.",
            networks="toyzoo.networks:linear", cite="Gauss 1809"),
        "demanding": Model(config="toyzoo.parts:DemandingConfig", summary="Asks for a size.",
            networks="toyzoo.networks:linear"),
        "mean": Model(config="toyzoo.parts:LinearConfig", summary="The mean.",
            predictor="toyzoo.parts:Mean", baseline=True, needs=frozenset({"signal"})),
        "truth": Model(config="toyzoo.parts:LinearConfig", summary="The truth.",
            predictor="toyzoo.parts:Mean", oracle=True),
    }
    sources = {
        "waves": SourceSpec(kind="simulator", factory="toyzoo.parts:Waves",
            config="toyzoo.parts:WavesConfig", summary="Sine waves."),
    }
    return [Task(name="toy", summary="Amplitudes of waves.", sample="toyzoo.parts:SAMPLE",
        prediction="toyzoo.parts:PREDICTION", models=models, sources=sources, codec="x:C",
        learner="x:L", metrics="x:M", recipes={"paper": "toyzoo:recipes/paper.toml"})]

@hookimpl
def zoo_loggers():
    return {"board": "toyzoo.parts:Board"}

@hookimpl
def zoo_commands():
    return {"toy": "toyzoo.commands:app", "nothing": "toyzoo.commands:nothing"}
"""

_PARTS = '''
from typing import Annotated
from pydantic import Field as Bounds
from zoo.api import Config, Field

class LinearConfig(Config):
    inputs: Annotated[int, Bounds(ge=1)] = 4
    """How many inputs."""
    scale: float | None = None

class DemandingConfig(LinearConfig):
    outputs: int
    """Has no default."""

class WavesConfig(Config):
    noise: float = 0.1
    """Noise."""

class Waves:
    facts = {"outputs": 3}
    def __init__(self, config):
        pass

SAMPLE = {"signal": Field(dims=("tick",), dtype="float32", unit="mV", meaning="The wave."),
          "amplitude": Field(dtype="float32", unit="mV", meaning="The truth.", optional=True)}
PREDICTION = {"amplitude": Field(dtype="float32", unit="mV", meaning="Estimated.")}
'''

_NETWORKS = """
from torch import nn

def linear(config, facts):
    net = nn.Linear(config.inputs, facts["outputs"])
    net.register_buffer("running", net.weight.new_zeros(2))
    net.bias.requires_grad_(False)
    return {"net": net}
"""

_COMMANDS = """
import numpy  # heavy: only loaded when a command is called
import typer
from zoo.api import DataError

app = typer.Typer(help="Toys.")
nothing = None

@app.command()
def count(to: int, as_json: bool = typer.Option(False, "--json")):
    '''Count.'''
    print(numpy.arange(to).tolist())

@app.command()
def fail(how: str, as_json: bool = typer.Option(False, "--json")):
    '''Fail.'''
    if how == "data":
        raise DataError("is cut", where="a.h5", remedy="copy it")
    if how == "ctrl-c":
        raise KeyboardInterrupt
    raise {"bug": ZeroDivisionError, "exit": SystemExit}[how](9)
"""

_RECIPE = """
# As published by
# Gauss.
#
# More.
[model]
inputs = 6
""".lstrip()

_QUARREL = """
from zoo.api import Model, hookimpl

@hookimpl
def zoo_api():
    return (1, 0)

@hookimpl
def zoo_models():
    return {"toy/guest": Model(config="x:C", summary="A guest.", predictor="x:P")}
"""

_PLUGINS = "toy,bad,old,q-one,q-two"

Zoo = Callable[..., "subprocess.CompletedProcess[str]"]


def install(site: Path, name: str, modules: dict[str, str], points: dict[str, str]) -> None:
    """What pip leaves behind: modules and the metadata with the entry points."""
    for path, text in modules.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{key} = {value}" for key, value in points.items()]
    (info / "entry_points.txt").write_text("[zoo.plugins]\n" + "\n".join(lines) + "\n")


@pytest.fixture
def install_plugin() -> Callable[..., None]:
    """See :func:`install`."""
    return install


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed plugins."""
    folder = tmp_path_factory.mktemp("site")
    toy = {
        "toyzoo/__init__.py": "",
        "toyzoo/plugin.py": _PLUGIN,
        "toyzoo/parts.py": _PARTS,
        "toyzoo/networks.py": _NETWORKS,
        "toyzoo/commands.py": _COMMANDS,
        "toyzoo/recipes/paper.toml": _RECIPE,
    }
    install(folder, "toyzoo", toy, {"toy": "toyzoo.plugin"})
    bad = {"badzoo.py": "raise RuntimeError('out of order')", "oldzoo.py": _old()}
    install(folder, "badzoo", bad, {"bad": "badzoo", "old": "oldzoo"})
    install(folder, "quarrel", {"quarrel.py": _QUARREL}, {"q-one": "quarrel", "q-two": "quarrel"})
    return folder


def _old() -> str:
    return _QUARREL.replace("(1, 0)", "(0, 9)")


@pytest.fixture
def zoo(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zoo]:
    """``zoo ARGUMENTS`` within the test's process: torch is imported once, not once a call."""
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_PLUGINS", _PLUGINS)
    monkeypatch.setenv("HOME", str(tmp_path))
    registry.cache_clear()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = CliRunner().invoke(app, arguments, prog_name="zoo")
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)

    yield run
    registry.cache_clear()


@pytest.fixture
def zoo_process(site: Path, tmp_path: Path) -> Zoo:
    """``zoo ARGUMENTS`` in a process of its own, which sees only these plugins."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        known = {name: value for name, value in os.environ.items() if not name.startswith("ZOO_")}
        known |= {"ZOO_PLUGINS": _PLUGINS, "HOME": str(tmp_path)}
        known["PYTHONPATH"] = os.pathsep.join([str(site), *filter(None, sys.path)])
        return subprocess.run(
            [sys.executable, "-m", "zoo", *arguments],
            env=known | environment,
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )

    return run
