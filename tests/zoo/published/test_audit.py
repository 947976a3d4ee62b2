"""``zoo weights audit``: what holds, what differs, what cannot be audited."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zoo.auditing import audit
from zoo.auditing.auditing import _allowed, _to_last_digit
from zoo.auditing.commands import eval_words, making_words, run_fresh
from zoo.cli.app import app
from zoo.errors import UsageError, WeightsError
from zoo.weights import find

ID = "mini-track/pad-net"
Zoo = Callable[..., Any]


@pytest.fixture
def here(zoo: Zoo) -> Callable[[Sequence[str], Path], Mapping[str, Any]]:
    """Commands in the test's process: torch is imported once."""
    return lambda words, folder: zoo(*words, folder=folder)


@pytest.mark.usefixtures("site")
def test_what_the_card_states_is_measured_again(tmp_path: Path, here: Any):
    commands: list[str] = []
    found = audit(find(f"{ID}@v1"), tmp_path, run=here, tell=commands.append)
    assert found.verdict == "holds"
    assert len(found.metrics) > 2
    assert all(one.exact and one.measured is not None for one in found.metrics)
    assert any(one.bin for one in found.metrics)
    assert len(commands) == 2  # the data once, the table once
    assert (tmp_path / "tracks.h5").is_file()


def test_another_number_or_other_data_do_not_hold(tmp_path: Path, site: Any, here: Any):
    stated = find(f"{ID}@v1").metrics[0]
    low, high = stated.interval or (0.0, 0.0)
    far = stated.value + (high - stated.value) / 2
    assert low < high
    site.change(f"value = {stated.value!r}", f"value = {far!r}")
    found = audit(find(f"{ID}@v1"), tmp_path, run=here)
    assert found.verdict == "differs"
    assert [one.verdict for one in found.metrics][:2] == ["differs", "holds"]
    assert "is allowed" in found.metrics[0].reason
    site.change(f'data_digest = "{stated.data_digest}"', f'data_digest = "{"0" * 64}"')
    found = audit(find(f"{ID}@v1"), tmp_path, run=here)
    assert {one.verdict for one in found.metrics} == {"differs"}
    assert "its data are others" in found.metrics[0].reason


def test_data_that_are_not_here_are_told_by_name(tmp_path: Path, site: Any, here: Any):
    site.change("--data tracks.h5", "--data beam/2026.h5")
    text = site.card().read_text()
    making = next(line for line in text.splitlines() if line.startswith("data_command"))
    site.change(making, 'data_command = ""')
    found = audit(find(f"{ID}@v1"), tmp_path, run=here)
    assert found.verdict == "not audited"
    assert {one.reason for one in found.metrics} == {"beam/2026.h5 is not here"}


def test_what_is_not_published_or_states_nothing(tmp_path: Path, site: Any, here: Any):
    found = audit(find(f"{ID}@v2"), tmp_path, run=here)
    assert (found.verdict, found.reason) == ("not audited", "its card states no numbers")
    text = site.card("v2").read_text()
    start, end = text.index("[file]"), text.index("[licences]")
    site.change(text[start:end], '[file]\npublished = false\nreason = "too large"\n\n', "v2")
    found = audit(find(f"{ID}@v2"), tmp_path, run=here)
    assert (found.verdict, found.reason) == ("not audited", "NOT PUBLISHED: too large")


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf /",
        "zoo train mini-track/pad-net --out run",
        "zoo eval",
        "zoo eval x --out /etc/passwd",
        "zoo eval x --out ../up",
        "zoo eval x --out=/etc/passwd",
        "zoo eval 'x",
    ],
)
def test_a_card_cannot_make_an_audit_do_anything_else(command: str):
    with pytest.raises(WeightsError, match="is not run"):
        eval_words(command, "card")
    with pytest.raises(WeightsError, match="is not run"):
        making_words(command, "card")


def test_the_last_digit_is_that_of_the_card():
    assert _to_last_digit(0.123, 0.12349)
    assert not _to_last_digit(0.123, 0.12351)
    assert _to_last_digit(12000.0, 12000.04)
    assert not _to_last_digit(1.5e-07, 1.57e-07)


@pytest.mark.usefixtures("site")
def test_other_hardware_may_differ_by_little(tmp_path: Path, here: Any):
    card = find(f"{ID}@v1")
    metric = card.metrics[0]
    low, high = metric.interval or (0.0, 0.0)
    assert _allowed(metric) == pytest.approx(0.01 * (high - low))
    assert _allowed(metric.model_copy(update={"interval": None, "value": -2.0})) == 2e-5
    near = metric.model_copy(update={"value": metric.value + 0.009 * (high - low)})
    rounded = card.model_copy(update={"metrics": (near,)})
    (one,) = audit(rounded, tmp_path, run=here).metrics
    assert (one.verdict, one.exact) == ("holds", False)
    (one,) = audit(rounded, tmp_path, run=here, exact=True).metrics
    assert one.verdict == "differs"


@pytest.mark.usefixtures("site")
def test_the_command_in_fresh_processes(tmp_path: Path):
    words = ["weights", "audit", f"{ID}@v1", "--data-folder", str(tmp_path / "d"), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *words],
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["counts"] == {"holds": 1, "differs": 0, "not audited": 0}
    assert all(metric["exact"] for metric in told["weights"][0]["metrics"])


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_exit_code_6_where_it_does_not_hold(site: Any, here: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zoo.auditing.auditing.run_fresh", here)
    stated = find(f"{ID}@v1").metrics[0]
    site.change(f"value = {stated.value!r}", f"value = {stated.value + 1!r}")
    site.change(f"{stated.interval[0]!r}, ", f"{stated.interval[0] - 9!r}, ")
    done = CliRunner().invoke(app, ["weights", "audit", "--all"])
    assert done.exit_code == 6
    assert "differs" in done.stdout


@pytest.mark.usefixtures("site")
def test_either_names_or_all():
    for words in (["weights", "audit"], ["weights", "audit", ID, "--all"]):
        done = CliRunner().invoke(app, [*words, "--json"])
        assert done.exit_code == UsageError.exit_code


def test_a_failing_command_is_told(tmp_path: Path):
    with pytest.raises(UsageError, match="no data are named"):
        run_fresh(["eval", "nothing/here"], tmp_path)
