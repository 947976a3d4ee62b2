"""``zoo doctor``: what is broken, why, and what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from zoo.cli import doctor
from zoo.cli.doctor import Finding, examine
from zoo.registry import Plugin, Registry, build

Zoo = Callable[..., "subprocess.CompletedProcess[str]"]


def finding(subject: str, environ: dict[str, str] | None = None) -> Finding:
    found = {item.subject: item for item in examine(build([]), environ or {})}
    return found[subject]


def test_broken_plugins_are_told_with_reason_and_remedy(zoo: Zoo) -> None:
    done = zoo("doctor", "--json")
    payload = json.loads(done.stdout)
    assert done.returncode == 3
    assert payload["broken"]
    found = {item["subject"]: item for item in payload["findings"]}
    assert found["plugin toy"]["status"] == "ok"
    assert found["plugin toy"]["detail"] == "toyzoo 1.0, API 1.0, 1 tasks, 4 models, 1 loggers"
    assert found["plugin bad"]["status"] == "broken"
    assert "RuntimeError: out of order (badzoo, from badzoo 1.0)" in found["plugin bad"]["detail"]
    assert "it failed at badzoo.py line 1" in found["plugin bad"]["remedy"]
    assert found["plugin old"]["remedy"] == "pip install --upgrade detector-zoo badzoo"
    assert found["model toy/guest"]["status"] == "broken"


def test_for_people_the_broken_stand_last_with_what_to_do(zoo: Zoo) -> None:
    done = zoo("doctor")
    assert done.returncode == 3
    table, _, remedies = done.stdout.partition("\n\n")
    assert table.splitlines()[-1].startswith("broken")
    assert remedies.startswith("What to do\n- plugin bad: tell its author")


def test_a_plugin_that_hangs_is_named_with_the_way_out(
    site: Path, tmp_path: Path, zoo_process: Zoo, install_plugin: Callable[..., None]
) -> None:
    hanging = {"hangzoo.py": "import time\n\n\ntime.sleep(60)\n"}
    install_plugin(tmp_path, "hangzoo", hanging, {"hang": "hangzoo"})
    path = os.pathsep.join([str(tmp_path), str(site), *filter(None, sys.path)])
    asked = {"PYTHONPATH": path, "ZOO_PLUGINS": "toy,hang", "ZOO_PLUGIN_SECONDS": "0.5"}
    done = zoo_process("doctor", "--json", **asked)
    assert done.returncode == 3
    found = {item["subject"]: item for item in json.loads(done.stdout)["findings"]}
    assert found["plugin toy"]["status"] == "ok"
    hang = found["plugin hang"]
    assert "TookTooLong: it had not answered after 0.5 s (hangzoo, from hangzoo" in hang["detail"]
    assert hang["remedy"] == (
        "tell its author; it failed at hangzoo.py line 4; ZOO_PLUGIN_SECONDS=60 waits longer; "
        "ZOO_PLUGINS=toy leaves it out"
    )


def test_what_an_import_costs_and_what_will_go_are_warnings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Plugin(name="slow", value="m", seconds=2.5, printed="hi\n", heavy=("torch",))
    monkeypatch.setattr(doctor, "uses", {("zoo_slow", "zoo.api.old"): "zoo_slow uses zoo.api.old"})
    found = {item.subject: item for item in examine(Registry([slow]), {})}
    assert found["plugin slow"].status == "warning"
    assert found["plugin slow"].detail.endswith(
        "its import takes 2.5 s; its import loads torch; its import prints 'hi'"
    )
    assert found["zoo_slow: zoo.api.old"].status == "warning"


def test_all_well_is_exit_0(zoo_process: Zoo) -> None:
    done = zoo_process("doctor", ZOO_PLUGINS="toy")
    assert done.returncode == 0, done.stdout


def test_no_plugins_are_a_warning(zoo_process: Zoo) -> None:
    done = zoo_process("doctor", "--json", ZOO_PLUGINS="")
    found = {item["subject"]: item for item in json.loads(done.stdout)["findings"]}
    assert done.returncode == 0
    assert found["plugins"]["remedy"] == "ZOO_PLUGINS= leaves none; unset it"


def test_versions_come_from_metadata() -> None:
    assert finding("package numpy").detail == metadata.version("numpy")


_PINS = {
    "torchvision": ["numpy", "torch==2.15.0"],
    "detector-zoo": ["numpy>=99", "torch; extra == 'x'"],
}


@pytest.mark.parametrize(
    ("torch", "torchvision", "status"),
    [
        ("2.15.0", "0.29.2", "ok"),
        ("2.15.0+cpu", "0.29.2+cpu", "ok"),
        ("2.15.0+cpu", "0.29.2", "warning"),
        ("2.14.0", "0.29.2", "broken"),
    ],
)
def test_the_torch_pair(
    monkeypatch: pytest.MonkeyPatch, torch: str, torchvision: str, status: str
) -> None:
    """torchvision 0.29.2 declares torch==2.15.0; CUDA wheels carry no local label, CPU ones do."""
    versions = {"torch": torch, "torchvision": torchvision}
    monkeypatch.setattr(
        doctor, "package_versions", lambda names: {n: versions.get(n) for n in names}
    )
    monkeypatch.setattr(doctor, "requires", _PINS.get)
    assert finding("torch and torchvision").status == status


def test_our_own_requirements_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "requires", _PINS.get)
    found = finding("package numpy")
    assert found.status == "broken"
    assert found.remedy == "pip install 'numpy>=99'"


def test_folders(tmp_path: Path) -> None:
    assert finding("cache", {"ZOO_CACHE": str(tmp_path)}).detail == str(tmp_path)
    (tmp_path / "file").touch()
    refused = finding("cache", {"ZOO_CACHE": str(tmp_path / "file" / "cache")})
    assert refused.status == "warning"
    assert "ZOO_CACHE" in refused.remedy
    assert finding("data", {"DETECTOR_ZOO_DATA": str(tmp_path)}).status == "ok"
    assert finding("data", {"DETECTOR_ZOO_DATA": str(tmp_path / "none")}).status == "warning"


def test_the_processor_is_named() -> None:
    assert "threads" in finding("processor").detail
