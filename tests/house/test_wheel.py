"""The wheel holds what the checkout holds, and works installed elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def python(*arguments: str) -> list[str]:
    """Without ``site``: neither the editable install nor any .pth file is seen."""
    return [sys.executable, "-S", *arguments]


def zoo(arguments: str) -> list[str]:
    return python("-m", "zoo", *arguments.split())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without network."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which only the installed wheel provides zoo and its plugins."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    run(*command, "--target", target, wheel, cwd=target)
    # `-S`-like isolation from the checkout's .pth file, keeping the third-party packages.
    packages = Path(os.__file__).parent / "site-packages"
    site = Path(sys.prefix) / "lib" / packages.parent.name / "site-packages"
    return {
        **{k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "ZOO_PLUGINS"}},
        "PYTHONPATH": os.pathsep.join([str(target), str(site)]),
        "ZOO_PLUGINS": "dnn-roi",
        "OMP_NUM_THREADS": "1",
    }


def test_wheel_holds_every_tracked_file_of_the_packages(wheel: Path) -> None:
    # hatchling silently drops what .gitignore names: compare with the folders themselves
    plugins = ROOT / "plugins"
    there = {
        path.relative_to(package.parent).as_posix()
        for package in (ROOT / "zoo", *plugins.glob("zoo_*"))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    assert packed == there


def test_wheel_runs_elsewhere(elsewhere: dict[str, str], tmp_path: Path) -> None:
    where = run(
        *python("-c", "import zoo, zoo_dnn_roi as d; print(zoo.__file__, d.__file__)"),
        cwd=tmp_path,
        env=elsewhere,
    )
    assert str(ROOT) not in where
    listed = json.loads(run(*zoo("list --json"), cwd=tmp_path, env=elsewhere))
    assert "dnn-roi" in json.dumps(listed)
    assert "usage" in run(*zoo("--help"), cwd=tmp_path, env=elsewhere).lower()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_new_plugin_from_the_wheel_alone(tmp_path: Path) -> None:
    """What a stranger does first, by the script that tells how long it takes; `-s` shows it."""
    packages = Path(sys.prefix) / "lib" / Path(os.__file__).parent.name / "site-packages"
    told = run(
        ROOT / "docs" / "benchmarks" / "from_the_wheel.sh",
        cwd=ROOT,
        env={
            **os.environ,
            "OUT": str(tmp_path / "out"),
            "PYTHON": sys.executable,
            "DEPENDENCIES": str(packages),
            "CHECK": "--quick",
        },
    )
    for made in ("predicted.h5", "run/model.safetensors", "run/eval", "export"):
        assert (tmp_path / "out" / "work" / made).exists()
    print(told)  # noqa: T201


def test_wheel_simulates_and_evaluates_elsewhere(elsewhere: dict[str, str], tmp_path: Path) -> None:
    small = "--set data.options.detector.wires=64 --set data.options.detector.ticks=1200"
    short = "--set data.options.length_mm=200"
    simulate = f"data simulate dnn-roi --data tracks --events 2 {small} {short} --out tracks.h5"
    run(*zoo(simulate), cwd=tmp_path, env=elsewhere)
    evaluate = "eval dnn-roi/traditional --data tracks.h5 --split all --json"
    table = run(*zoo(evaluate), cwd=tmp_path, env=elsewhere)
    assert "dnn-roi/oracle-mask" in json.dumps(json.loads(table))
