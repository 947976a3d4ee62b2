"""``zoo list``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

Zoo = Callable[..., "subprocess.CompletedProcess[str]"]


def test_tasks_models_and_what_is_broken(zoo: Zoo) -> None:
    done = zoo("list")
    assert done.returncode == 0
    assert done.stdout == (
        "toy  Amplitudes of waves.  (toyzoo 1.0)\n"
        "  toy/demanding  model     Asks for a size.\n"
        "  toy/linear     model     A matrix.\n"
        "  toy/mean       baseline  The mean.\n"
        "  toy/truth      oracle    The truth.\n"
        "\n"
        "Loggers (`training.loggers`): board\n"
        "\n"
        "Broken plugins (see `zoo doctor`)\n"
        "  bad  RuntimeError: out of order\n"
        "  old  PluginError: it needs API 0.9, this zoo has 1.1\n"
        "\n"
        "Claimed by two plugins\n"
        "  model toy/guest  q-one and q-two\n"
    )
    assert done.stderr == ""


def test_json(zoo: Zoo) -> None:
    found = json.loads(zoo("list", "--json").stdout)
    assert [task["task"] for task in found["tasks"]] == ["toy"]
    assert {"id": "toy/mean", "kind": "baseline", "summary": "The mean."} in found["tasks"][0][
        "models"
    ]
    assert found["loggers"] == ["board"]
    assert [item["plugin"] for item in found["broken"]] == ["bad", "old"]
    assert found["conflicts"] == {"model toy/guest": ["q-one", "q-two"]}


def test_one_task(zoo: Zoo) -> None:
    assert zoo("list", "toy").stdout.startswith("toy  Amplitudes")
    done = zoo("list", "toi")
    assert done.returncode == 3
    assert "did you mean 'toy'?" in done.stderr


def test_nothing_installed(zoo_process: Zoo) -> None:
    done = zoo_process("list", ZOO_PLUGINS="")
    assert done.returncode == 0
    assert done.stdout.startswith("No tasks are installed")
