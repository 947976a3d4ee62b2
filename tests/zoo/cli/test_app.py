"""The command line as a whole: exit codes, errors, plugins' commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo import __version__

Zoo = Callable[..., "subprocess.CompletedProcess[str]"]


def test_version(zoo_process: Zoo) -> None:
    done = zoo_process("--version")
    assert (done.returncode, done.stdout) == (0, f"zoo {__version__} (plugin API 1.1)\n")


def test_help_lists_verbs_and_plugin_groups(zoo_process: Zoo) -> None:
    done = zoo_process("--help")
    assert done.returncode == 0
    for name in (
        "list",
        "info",
        "data",
        "train",
        "predict",
        "eval",
        "export",
        "report",
        "doctor",
        "toy",
    ):
        assert f" {name} " in done.stdout
    assert "bad" not in done.stdout


def test_no_arguments_show_the_help(zoo: Zoo) -> None:
    done = zoo()
    assert done.returncode == 2
    assert "Usage: zoo" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["lsit"], "Did you mean 'list'?"),
        (["toyy"], "Did you mean 'toy'?"),
        (["list", "--jsno"], "--json"),
        (["info"], "Missing argument"),
    ],
)
def test_usage_errors_are_exit_2(zoo: Zoo, arguments: list[str], hint: str) -> None:
    done = zoo(*arguments)
    assert done.returncode == 2
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plugins_command_runs(zoo: Zoo) -> None:
    done = zoo("toy", "count", "3")
    assert (done.returncode, done.stdout) == (0, "[0, 1, 2]\n")
    help_ = zoo("toy", "--help")
    assert "Toys." in help_.stdout
    assert "Usage: zoo toy" in help_.stdout


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        ("data", 4, "error: a.h5: is cut\n  remedy: copy it\n"),
        ("bug", 1, "error: unexpected ZeroDivisionError: 9\n  remedy: this is a fault"),
        ("ctrl-c", 130, "error: stopped by Ctrl-C\n"),
        ("exit", 9, ""),
    ],
)
def test_errors_become_exit_codes(zoo_process: Zoo, how: str, code: int, said: str) -> None:
    done = zoo_process("toy", "fail", how)
    assert done.returncode == code
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("how", "code", "kind"),
    [("data", 4, "data"), ("bug", 1, "bug"), ("ctrl-c", 130, "interrupted")],
)
def test_errors_as_json_stand_on_stdout(zoo: Zoo, how: str, code: int, kind: str) -> None:
    done = zoo("toy", "fail", how, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == found["exit_code"] == code
    assert found["error"] == kind
    assert done.stderr == ""


def test_the_traceback_on_request(zoo_process: Zoo) -> None:
    done = zoo_process("toy", "fail", "data", ZOO_TRACEBACK="1")
    assert "Traceback (most recent call last)" in done.stderr
    assert 'raise DataError("is cut"' in done.stderr
    assert done.returncode == 4


def test_a_broken_plugin_says_why_when_it_is_called(zoo: Zoo) -> None:
    done = zoo("bad", "anything")
    assert done.returncode == 3
    assert done.stderr.startswith("error: bad: RuntimeError: out of order\n")
    assert "zoo doctor" in done.stderr


def test_a_broken_command_group_says_why_and_harms_no_other(zoo: Zoo) -> None:
    done = zoo("nothing", "anything")
    assert done.returncode == 3
    assert "toyzoo.commands:nothing: is no typer.Typer" in done.stderr
    assert zoo("toy", "count", "1").returncode == 0


def test_completion_is_offered(zoo_process: Zoo) -> None:
    done = zoo_process(
        "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )
    assert done.returncode == 0
    assert "zoo" in done.stdout


def test_completion_knows_the_plugins(zoo_process: Zoo) -> None:
    done = zoo_process(_ZOO_COMPLETE="complete_bash", COMP_WORDS="zoo to", COMP_CWORD="1")
    assert done.stdout.split() == ["toy"]


def test_a_closed_pipe_is_no_bug(site: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path)]),
        "ZOO_PLUGINS": "toy",
    }
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "list"],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        check=False,
    )
    os.close(writer)
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr
