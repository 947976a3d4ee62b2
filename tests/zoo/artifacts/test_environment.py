"""What a training ran on."""

from __future__ import annotations

import json
import platform
import socket
import sys
from importlib.metadata import version
from pathlib import Path

from zoo.artifacts.environment import cpu_flags, environment, package_versions


def test_versions_of_what_decides_a_result() -> None:
    found = environment(["hypothesis"])
    assert found["python"] == platform.python_version()
    assert found["packages"]["numpy"] == version("numpy")
    assert found["packages"]["hypothesis"] == version("hypothesis")
    assert found["cpu"]["count"] >= 1
    json.dumps(found)


def test_it_tells_neither_host_nor_folders() -> None:
    text = json.dumps(environment())
    assert socket.gethostname() not in text
    assert str(Path.cwd()) not in text
    assert sys.prefix not in text


def test_a_package_that_is_not_there() -> None:
    assert package_versions(["no-such-package-at-all"]) == {"no-such-package-at-all": None}


def test_flags_are_those_of_the_processor() -> None:
    cpuinfo = Path("/proc/cpuinfo")
    known = cpuinfo.read_text().split() if cpuinfo.exists() else []
    assert all(flag in known for flag in cpu_flags())
