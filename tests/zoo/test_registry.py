"""The registry: every way in which a plugin can be broken, and that it harms nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from zoo.errors import PluginError, UsageError
from zoo.registry import CORE_VERBS, Registry, _patience, build

_GOOD = """
from zoo.api import Consumer, Model, Task, hookimpl

@hookimpl
def zoo_api():
    return {api}

@hookimpl
def zoo_tasks():
    return [Task(name="{task}", summary="A task.", sample="m:A", prediction="m:B",
        models={{"net": Model(config="m:C", summary="A net.", networks="m:n")}}, sources={{}},
        codec="m:D", learner="m:L", metrics="m:M")]

@hookimpl
def zoo_consumers():
    return [Consumer(name="{task}-reader", summary="Reads.", task="{task}", format="ts",
        contract="m:K")]

@hookimpl
def zoo_loggers():
    return {{"{task}-board": "m:B"}}

@hookimpl
def zoo_commands():
    return {{"{command}": "m:app"}}

@hookimpl
def zoo_cards():
    return ["m:cards"]
"""

Write = Callable[[str, str], EntryPoint]


def good(task: str, *, api: str = "(1, 0)", command: str = "") -> str:
    return _GOOD.format(task=task, api=api, command=command or task)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a module and returns an entry point to it; modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)

    def point(name: str, code: str) -> EntryPoint:
        module = (
            f"zoo_test_{tmp_path.name}_{name}".replace("-", "_").replace("[", "").replace("]", "")
        )
        (tmp_path / f"{module}.py").write_text(code)
        monkeypatch.delitem(sys.modules, module, raising=False)
        return EntryPoint(name=name, value=module, group="zoo.plugins")

    return point


def reason(found: Registry, name: str) -> str:
    return {plugin.name: plugin.error for plugin in found.broken}[name]


def test_a_good_plugin_brings_all(write: Write) -> None:
    found = build([write("good", good("tracks"))])
    assert list(found.tasks) == ["tracks"]
    assert list(found.models) == ["tracks/net"]
    assert list(found.consumers) == ["tracks-reader"]
    assert found.loggers == {"tracks-board": "m:B"}
    assert found.logger("tracks-board") == "m:B"
    assert found.commands == {"tracks": "m:app"}
    assert found.plugins[0].cards == ["m:cards"]
    assert found.plugins[0].api == (1, 0)
    assert not found.broken
    assert not found.conflicts
    task, model = found.model("tracks/net")
    assert (task.name, model.summary) == ("tracks", "A net.")
    assert found.owner("tracks").name == "good"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise RuntimeError('on import')", "RuntimeError: on import"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named"),
        ("def broken(:", "SyntaxError"),
        ("x = 1", "it has no hook 'zoo_api'"),
        (good("bad", api="(2, 0)"), "it needs API 2.0, this zoo has 1.1"),
        (good("bad", api="(1, 9)"), "it needs API 1.9, this zoo has 1.1"),
        (good("bad", api="(0, 9)"), "it needs API 0.9, this zoo has 1.1"),
        (good("bad", api="None"), "it has no hook 'zoo_api'"),
        (good("bad", api="'1.0'"), "zoo_api"),
        (good("bad") + "\n@hookimpl\ndef zoo_taks():\n    return []\n", "zoo_taks"),
        (good("bad") + "\n@hookimpl\ndef zoo_models(extra):\n    return {}\n", "extra"),
        (good("bad") + "\n@hookimpl\ndef zoo_models():\n    raise ValueError('late')\n", "late"),
        (good("bad") + "\n@hookimpl\ndef zoo_models():\n    return [1]\n", "AttributeError"),
        (good("bad") + "\n@hookimpl\ndef zoo_models():\n    return {'a': 1}\n", "where a Model"),
        (good("bad") + "\n@hookimpl\ndef zoo_consumers():\n    return [1]\n", "where a Consumer"),
        (good("bad").replace("networks=", "cite="), "either networks or a predictor"),
        (good("bad").replace("return [Task(", "return 2 * [Task("), "the task 'bad' twice"),
        (good("bad") + "\n@hookimpl\ndef zoo_tasks():\n    return ['task']\n", "zoo_tasks"),
        (good("bad", command="train"), "it takes the core's command 'train'"),
        (good("bad") + "\n@hookimpl\ndef zoo_loggers():\n    return {'a b': 'm:B'}\n", "'a b'"),
        (good("bad") + "\n@hookimpl\ndef zoo_loggers():\n    return ['a']\n", "ValueError"),
        (good("Bad Name"), "Bad Name"),
        (good("a/b"), "a/b"),
    ],
)
def test_a_broken_plugin_harms_nobody(write: Write, code: str, expected: str) -> None:
    found = build([write("bad", code), write("good", good("tracks"))])
    assert expected in reason(found, "bad")
    assert [plugin.name for plugin in found.broken] == ["bad"]
    assert list(found.tasks) == ["tracks"]
    assert list(found.commands) == ["tracks"]
    broken = found.broken[0]
    assert not broken.tasks
    assert not broken.models
    assert not broken.commands
    assert not broken.consumers
    assert not broken.loggers
    assert "Traceback" in broken.traceback


def test_a_missing_module() -> None:
    found = build([EntryPoint("ghost", "zoo_test_no_such_module", "zoo.plugins")])
    assert "No module named 'zoo_test_no_such_module'" in reason(found, "ghost")


def test_ctrl_c_on_import_is_the_users(write: Write) -> None:
    with pytest.raises(KeyboardInterrupt):
        build([write("slow", "raise KeyboardInterrupt")])


def test_two_plugins_claim_one_id(write: Write) -> None:
    found = build(
        [
            write("one", good("tracks", command="one")),
            write("two", good("tracks", command="two")),
            write("three", good("showers")),
        ]
    )
    assert found.conflicts["task tracks"] == ("one", "two")
    assert list(found.tasks) == ["showers"]
    assert list(found.models) == ["showers/net"]
    assert list(found.consumers) == ["showers-reader"]
    for look_up in (found.task, found.owner):
        with pytest.raises(PluginError, match="two plugins claim it: one and two") as caught:
            look_up("tracks")
        assert "ZOO_PLUGINS" in caught.value.remedy
    with pytest.raises(PluginError, match="two plugins claim it"):
        found.model("tracks/net")


def test_two_plugins_claim_one_command(write: Write) -> None:
    found = build([write("one", good("a", command="fit")), write("two", good("b", command="fit"))])
    assert found.conflicts == {"command fit": ("one", "two")}
    assert not found.commands
    assert list(found.tasks) == ["a", "b"]


def test_two_plugins_claim_one_logger(write: Write) -> None:
    board = "\n@hookimpl\ndef zoo_loggers():\n    return {'board': 'm:B'}\n"
    found = build([write("one", good("a") + board), write("two", good("b") + board)])
    assert found.conflicts == {"logger board": ("one", "two")}
    assert not found.loggers
    with pytest.raises(PluginError, match="two plugins claim it: one and two"):
        found.logger("board")


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "while True: pass",
        "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
        good("bad") + "\n@hookimpl\ndef zoo_cards():\n    import time; time.sleep(60)\n",
    ],
)
def test_a_plugin_that_hangs_is_given_up(write: Write, code: str) -> None:
    begin = time.monotonic()
    found = build([write("bad", code), write("good", good("tracks"))], patience=0.3)
    assert time.monotonic() - begin < 20
    assert reason(found, "bad") == "TookTooLong: it had not answered after 0.3 s"
    assert list(found.tasks) == ["tracks"]
    assert "import time" not in found.plugins[1].error


def test_what_a_plugin_prints_is_kept_from_json(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    found = build([write("loud", "print('hello')\n" + good("tracks"))])
    assert capsys.readouterr().out == ""
    assert found.plugins[0].printed == "hello\n"
    assert list(found.tasks) == ["tracks"]


def test_what_the_import_of_a_plugin_costs(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    code = "import sys, time, types; time.sleep(0.05); sys.modules['jax'] = types.ModuleType('jax')"
    found = build([write("heavy", f"{code}\n{good('tracks')}")])
    monkeypatch.delitem(sys.modules, "jax")
    assert found.plugins[0].heavy == ("jax",)
    assert found.plugins[0].seconds >= 0.05


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_patience_that_is_no_number(text: str) -> None:
    with pytest.raises(UsageError, match="is no number of seconds"):
        _patience({"ZOO_PLUGIN_SECONDS": text})
    assert _patience({"ZOO_PLUGIN_SECONDS": "5"}) == 5
    assert _patience({}) == 20


def test_two_plugins_of_one_name_are_told_apart(write: Write) -> None:
    one, two = (build([write(name, good("tracks"))]).plugins[0] for name in ("one", "two"))
    one.distribution, two.distribution, two.name = "zoo-one", "zoo-two", "one"
    assert Registry([one, two]).conflicts["task tracks"] == ("one of zoo-one", "one of zoo-two")


_GUEST = """
from zoo.api import Model, hookimpl

@hookimpl
def zoo_api():
    return (1, 0)

@hookimpl
def zoo_models():
    return {{"{id}": Model(config="g:C", summary="A guest.", predictor="g:P", baseline=True)}}
"""


def test_a_model_for_another_plugins_task(write: Write) -> None:
    found = build([write("guest", _GUEST.format(id="tracks/hough")), write("h", good("tracks"))])
    assert list(found.models_of("tracks")) == ["tracks/hough", "tracks/net"]
    assert found.model("tracks/hough")[0].name == "tracks"


def test_a_model_whose_task_is_missing_is_not_offered(write: Write) -> None:
    found = build([write("guest", _GUEST.format(id="tracks/hough"))])
    assert not found.models
    with pytest.raises(PluginError, match="no such model"):
        found.model("tracks/hough")


def test_a_guest_cannot_replace_a_model(write: Write) -> None:
    found = build([write("guest", _GUEST.format(id="tracks/net")), write("h", good("tracks"))])
    assert not found.models
    with pytest.raises(PluginError, match="two plugins claim it: guest and h"):
        found.model("tracks/net")


def test_unknown_names_get_the_nearest(write: Write) -> None:
    found = build([write("good", good("tracks")), write("bad", "raise ValueError")])
    for look_up, name, nearest in (
        (found.task, "trakcs", "tracks"),
        (found.model, "tracks/nte", "tracks/net"),
        (found.consumer, "tracks-readr", "tracks-reader"),
        (found.logger, "tracks-borad", "tracks-board"),
    ):
        with pytest.raises(PluginError) as caught:
            look_up(name)
        assert f"did you mean '{nearest}'?" in caught.value.remedy
        assert "broken plugins: bad" in caught.value.remedy
        assert caught.value.exit_code == 3


def test_only_chosen_plugins_are_imported(write: Write) -> None:
    points = [write("good", good("tracks")), write("bad", "raise ValueError")]
    assert not build(points, frozenset({"good"})).broken
    assert not build(points, frozenset()).plugins


@pytest.mark.parametrize(
    ("restriction", "expected"),
    [(None, "alpha,beta"), ("beta", "beta"), (" alpha , beta ", "alpha,beta"), ("", "")],
)
def test_the_environment_restricts(tmp_path: Path, restriction: str | None, expected: str) -> None:
    for name in ("alpha", "beta"):
        (tmp_path / f"{name}_plugin.py").write_text(good(name))
    info = tmp_path / "somebody-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somebody\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[zoo.plugins]\nalpha = alpha_plugin\nbeta = beta_plugin\n"
    )
    code = (
        "from zoo.registry import registry\n"
        "ours = [p for p in registry().plugins if p.distribution == 'somebody']\n"
        "assert all(p.version == '1.0' and not p.error for p in ours), ours\n"
        "print(','.join(p.name for p in ours))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ZOO_PLUGINS"}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    if restriction is not None:
        environment["ZOO_PLUGINS"] = restriction
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == expected


def test_all_verbs_of_the_core_are_reserved() -> None:
    from zoo.cli.app import app

    registered = {command.name for command in app.registered_commands}
    groups = {group.name for group in app.registered_groups}
    assert {name for name in registered | groups if name} <= CORE_VERBS
