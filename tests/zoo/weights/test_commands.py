"""`zoo weights` and `zoo data list|pull|verify`, with a stranger's plugin and a server."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from zoo.cli.app import app
from zoo.registry import registry

MODEL = "mini-track/pad-net"
PATH = "/net.safetensors"
_PLUGIN = """
from zoo.api import hookimpl

@hookimpl
def zoo_api():
    return (1, 0)

@hookimpl
def zoo_cards():
    return ["cardpack:cards"]
"""


@dataclass(frozen=True)
class Done:
    """An ended command."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.stdout)
        return found


Zoo = Callable[..., Done]


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zoo]:
    """``zoo WORDS`` in this process, with a cache of its own and a plugin that brings cards."""
    site = tmp_path / "site"
    info = site / "cardpack-1.0.dist-info"
    for folder in (info, site / "cardpack" / "cards"):
        folder.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cardpack\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zoo.plugins]\ncardpack = cardpack.plugin\n")
    (site / "cardpack" / "__init__.py").touch()
    (site / "cardpack" / "plugin.py").write_text(_PLUGIN)
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ZOO_TIMEOUT", "20")
    monkeypatch.setenv("ZOO_PLUGINS", "cardpack,mini-track")  # whatever else is installed
    for name in ("ZOO_CACHE_RO", "ZOO_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in sys.modules if name.startswith("cardpack")]:
        del sys.modules[name]
    registry.cache_clear()

    def run(*words: object) -> Done:
        registry.cache_clear()  # cards may have changed
        done = CliRunner().invoke(app, [*map(str, words)], prog_name="zoo")
        return Done(done.exit_code, done.stdout, done.stderr)

    yield run
    registry.cache_clear()


@pytest.fixture
def cards(zoo: Zoo, tmp_path: Path) -> Path:
    """The folder of the plugin's cards."""
    return tmp_path / "site" / "cardpack" / "cards"


def of_task(toys: Any, *mirrors: str, **changes: Any) -> dict[str, Any]:
    """A card of a model that is installed."""
    content = toys.model(MODEL)
    values: dict[str, Any] = toys.values(*mirrors, content=content)
    return values | {"id": MODEL} | changes


def test_list_pull_path_and_verify(zoo: Zoo, cards: Path, toys: Any, server: Any) -> None:
    content = toys.model(MODEL)
    server.answers[PATH] = content
    (cards / "net.toml").write_text(tomli_w.dumps(of_task(toys, server.url(PATH))))
    none = {"file": {"published": False, "reason": "it is too large"}, "version": "v2"}
    (cards / "large.toml").write_text(tomli_w.dumps(of_task(toys, **none)))
    (cards / "bad.toml").write_text("kind = 3")

    listed = zoo("weights", "list", "mini-track", "--json").json
    rows = {row["version"]: row for row in listed["weights"]}
    assert (rows["v1"]["where"], rows["v2"]["where"]) == ("to pull", "NOT PUBLISHED")
    assert (rows["v1"]["size"], rows["v1"]["licence"]) == (len(content), "CC-BY-4.0")
    assert [bad["where"] for bad in listed["bad_cards"]] == ["cardpack:cards/bad.toml: kind"]
    shown = zoo("weights", "list").stdout
    for text in ("NOT PUBLISHED", "to pull", "Cards that cannot be used", "unknown kind 3"):
        assert text in shown
    assert server.asked == []

    pulled = zoo("weights", "pull", MODEL, "--json")
    assert pulled.code == 0, pulled.stdout
    (row,) = pulled.json["weights"]
    assert (row["version"], row["where"]) == ("v1", "cached")
    assert zoo("weights", "path", MODEL).stdout == f"{row['path']}\n"
    assert Path(row["path"]).read_bytes() == content
    assert zoo("weights", "pull", "--all", "--json").json["weights"] == [row]
    assert len(server.asked) == 1
    assert zoo("weights", "list", "--json").json["weights"][1]["where"] == "cached"
    assert "ok" in zoo("weights", "verify").stdout

    Path(row["path"]).chmod(0o644)
    Path(row["path"]).write_bytes(content[:-1] + b"\xff")
    wrong = zoo("weights", "verify", f"{MODEL}@v1", "--json")
    assert (wrong.code, wrong.json["ok"]) == (5, False)
    assert "sha256" in wrong.json["files"][0]["fault"]
    refused = zoo("weights", "pull", f"{MODEL}@v2", "--json")
    assert (refused.code, refused.json["error"]) == (5, "weights")
    assert "NOT PUBLISHED" in refused.json["message"]
    assert zoo("weights", "pull", "--json").code == 2
    both = zoo("weights", "pull", f"{MODEL}@v2", f"{MODEL}@v1", "--json")
    assert (both.code, [row["where"] for row in both.json["weights"]]) == (
        5,
        ["NOT PUBLISHED", "cached"],
    )
    assert "too large" in both.json["weights"][0]["error"]["message"]


def test_info(zoo: Zoo, cards: Path, toys: Any) -> None:
    metric = {
        "name": "error",
        "value": 1.25,
        "interval": [1.0, 1.5],
        "unit": "mm",
        "n": 40,
        "data": "tracks.h5",
        "data_digest": "0" * 64,
        "command": "zoo eval x",
    }
    values = of_task(toys, metrics=[metric], known_failures=["tracks along the drift"])
    (cards / "net.toml").write_text(tomli_w.dumps(values))
    shown = zoo("weights", "info", MODEL).stdout
    for text in ("CC-BY-4.0", "zoo simulator: toys", "tracks along the drift", "1 to 1.5", "mm"):
        assert text in shown
    assert zoo("weights", "info", MODEL, "--json").json["card"]["metrics"][0]["n"] == 40


def test_unknown_weights(zoo: Zoo, cards: Path, toys: Any) -> None:
    (cards / "net.toml").write_text(tomli_w.dumps(of_task(toys)))
    done = zoo("weights", "info", "mini-track/pad-ned", "--json")
    assert done.code == 5
    assert MODEL in done.json["remedy"]


def test_the_file_beside_its_card_is_used_where_it_is(zoo: Zoo, cards: Path, toys: Any) -> None:
    (cards / "net.toml").write_text(tomli_w.dumps(of_task(toys, "net.safetensors")))
    (cards / "net.safetensors").write_bytes(toys.model(MODEL))
    done = zoo("weights", "pull", MODEL, "--json")
    assert done.json["weights"][0]["where"] == "package"
    assert done.json["weights"][0]["path"] == str(cards / "net.safetensors")
    (cards / "net.safetensors").write_bytes(b"\x80\x04.")
    done = zoo("weights", "pull", MODEL, "--json")
    assert done.code == 5
    assert "is damaged and not used" in done.stderr


def test_doctor_tells_of_bad_cards(zoo: Zoo, cards: Path, toys: Any) -> None:
    (cards / "net.toml").write_text(tomli_w.dumps(toys.values()))
    (cards / "bad.toml").write_text('kind = "weights"\nid = "a/b"\nsize = 3')
    done = zoo("doctor", "--json")
    assert done.code == 3
    bad, lonely = [f for f in done.json["findings"] if f["subject"].startswith("card card")]
    assert "a card has no such key" in bad["detail"]
    assert (lonely["status"], "toy/net" in lonely["detail"]) == ("warning", True)


def test_a_run_becomes_a_card(zoo: Zoo, cards: Path, tmp_path: Path) -> None:
    """Simulated, trained, judged, added, and pulled from beside its card: the same file."""
    data, run = "tracks.h5", tmp_path / "run"
    simulate = ("data", "simulate", "mini-track", "--data", "tracks", "--events", 40)
    train = ("train", MODEL, "--data", data, "--out", run, "--device", "cpu")
    train = (*train, "--set", "training.steps=1", "--set", "model.width=5")
    judge = ("eval", run, "--data", data, "--split", "all", "--resamples", 5)
    for words in ((*simulate, "--out", data, "--workers", 1), train, judge):
        done = zoo(*words)
        assert done.code == 0, done.stderr
    card = cards / "pad-net.toml"
    add = ("weights", "add", run, "--card", card, "--eval", run / "eval" / "all", "--beside")
    add = (*add, "--data-command", shlex.join(["zoo", *map(str, simulate), "--out", data]))
    refused = zoo(*add, "--json")
    assert refused.code == 5
    for key in ("summary", "citation", "licences", "domain", "known_failures"):
        assert key in refused.json["where"]
    assert not card.exists()

    draft = 'summary = "A net"\ncitation = "Nobody"\nknown_failures = ["all"]\n'
    card.write_text(f'{draft}[file]\npublished = false\nreason = "not trained yet"\n')
    own = (
        "licences.weights=CC0-1.0",
        "licences.data=CC0-1.0",
        "domain.trained_on=zoo simulator: x",
    )
    done = zoo(*add, *[word for one in own for word in ("--set", one)], "--json")
    assert done.code == 0, done.stdout
    told = tomllib.loads(card.read_text())
    content = (run / "model.safetensors").read_bytes()
    assert told["file"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert told["file"]["mirrors"] == [told["file"]["name"]]
    assert told["file"].keys() == {"name", "sha256", "size", "mirrors"}
    assert (told["summary"], told["known_failures"]) == ("A net", ["all"])
    assert told["training"]["steps"] == 1
    assert "model.width=5" in told["training"]["command"]
    assert "torch" in told["training"]["environment"]
    results = json.loads((run / "eval" / "all" / "results.json").read_bytes())
    numbers = [n for n in results["models"][0]["numbers"] if not n["column"]]
    assert [(m["name"], m["value"]) for m in told["metrics"]] == [
        (n["name"], n["value"]) for n in numbers if n["value"] is not None
    ]
    assert told["metrics"][0]["data_digest"] == results["data"]["digest"]
    assert told["metrics"][0]["command"].startswith(f"zoo eval {MODEL}@v1 --data tracks.h5")

    pulled = zoo("weights", "pull", f"{MODEL}@v1", "--json").json["weights"][0]
    assert (pulled["where"], Path(pulled["path"]).read_bytes()) == ("package", content)
    (cards / told["file"]["name"]).unlink()
    assert zoo("weights", "list", "--json").json["weights"][0]["where"] == "cached"

    # its command gives the same settings, and so the same digest
    again = shlex.split(told["training"]["command"])[1:]
    assert zoo(*again, "--out", tmp_path / "again", "--device", "cpu").code == 0
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == content

    other = zoo("weights", "add", run, "--card", tmp_path / "v2.toml", "--json")
    assert other.code == 5
    other_eval = zoo(*add[:5], "--eval", tmp_path / "absent", "--json")
    assert (other_eval.code, other_eval.json["error"]) == (4, "data")


def test_a_damaged_or_foreign_file_becomes_no_card(zoo: Zoo, tmp_path: Path, toys: Any) -> None:
    file = tmp_path / "foreign.safetensors"
    save_file({"a": np.zeros(3)}, file)
    done = zoo("weights", "add", file, "--card", tmp_path / "card.toml", "--json")
    assert (done.code, "zoo did not write" in done.json["message"]) == (5, True)
    flipped = bytearray(toys.model(MODEL))
    flipped[-1] ^= 1
    file.write_bytes(flipped)
    done = zoo("weights", "add", file, "--card", tmp_path / "card.toml", "--json")
    assert (done.code, "checksum" in done.json["message"]) == (5, True)
    assert zoo("weights", "add", tmp_path, "--card", tmp_path / "c.toml", "--json").code == 2
    assert not (tmp_path / "card.toml").exists()
    assert load_file is not None


def data_card(server: Any, **files: bytes) -> dict[str, Any]:
    """A data set of two files, one of them with an md5 alone, as old archives publish."""
    listed = []
    for name, content in files.items():
        path = name.replace("_", "/") + ".h5"
        server.answers[f"/data/{path}"] = content
        algorithm = "md5" if "md5" in name else "sha256"
        digest = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
        listed.append({"name": path, "size": len(content), algorithm: digest})
    return {
        "kind": "data",
        "id": "mini-track/archive",
        "version": "v1",
        "summary": "Tracks of an archive",
        "citation": "Nobody, 2026",
        "doi": "10.5281/zenodo.1",
        "mirrors": [server.url("/gone"), server.url("/data/")],
        "licences": {"data": "CC-BY-4.0"},
        "reader": {"source": "tracks", "options": {"rows": 3}},
        "files": listed,
    }


def test_data_sets(zoo: Zoo, cards: Path, server: Any, tmp_path: Path) -> None:
    content = {"train_a": b"first" * 100, "md5": b"second" * 100}
    (cards / "archive.toml").write_text(tomli_w.dumps(data_card(server, **content)))
    (row,) = zoo("data", "list", "mini-track", "--json").json["data"]
    assert (row["where"], row["doi"]) == ("to pull", "10.5281/zenodo.1")
    some = zoo("data", "pull", "mini-track/archive", "--only", "md5.h5", "--json")
    assert some.code == 0, some.stdout
    assert zoo("data", "list", "mini-track", "--json").json["data"][0]["where"] == "1 of 2 files"
    done = zoo("data", "pull", "mini-track/archive", "--json").json
    assert Path(done["files"]["train/a.h5"]).read_bytes() == content["train_a"]
    assert Path(done["files"]["md5.h5"]).read_bytes() == content["md5"]
    assert f"tracks:{done['folder']} --set data.options.rows=3" in done["check"]
    assert [path for path, _ in server.asked if path.startswith("/data")] == [
        "/data/md5.h5",
        "/data/train/a.h5",
    ]
    assert zoo("data", "list", "mini-track", "--json").json["data"][0]["where"] == "cached"
    assert zoo("data", "verify", "mini-track/archive", "--json").json["ok"]

    moved = (tmp_path / "cache").rename(tmp_path / "moved")  # links are relative
    assert (moved / "data/mini-track/archive/v1/md5.h5").read_bytes() == content["md5"]
    moved.rename(tmp_path / "cache")
    target = Path(done["files"]["md5.h5"]).resolve()
    target.chmod(0o644)
    target.write_bytes(content["md5"].upper())
    wrong = zoo("data", "verify", "mini-track/archive", "--json")
    assert (wrong.code, [f["ok"] for f in wrong.json["files"]]) == (5, [True, False])
    server.answers["/data/md5.h5"] = b"x" * 600
    refused = zoo("data", "pull", "mini-track/archive", "--json")
    assert refused.code == 5
    assert "md5 is" in refused.json["message"]
    assert not target.exists()
    unknown = zoo("data", "pull", "mini-track/archive", "--only", "md6.h5", "--json")
    assert (unknown.code, "md5.h5" in unknown.json["remedy"]) == (2, True)


def test_a_data_set_without_digests_is_not_fetched(zoo: Zoo, cards: Path, server: Any) -> None:
    values = data_card(server) | {"mirrors": []}
    (cards / "archive.toml").write_text(tomli_w.dumps(values))
    done = zoo("data", "pull", "mini-track/archive", "--json")
    assert done.code == 5
    assert "https://doi.org/10.5281/zenodo.1" in done.json["remedy"]
    assert "no digests are stated" in zoo("data", "list").stdout


def test_light_verbs(zoo: Zoo, cards: Path, toys: Any, tmp_path: Path) -> None:
    """Lists, and weights that are on this machine, need neither torch nor numpy."""
    (cards / "net.toml").write_text(tomli_w.dumps(of_task(toys, "net.safetensors")))
    (cards / "net.safetensors").write_bytes(toys.model(MODEL))
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom zoo.cli.app import app\n"
        "for words in (['weights', 'list'], ['data', 'list'], ['weights', 'verify'],\n"
        f"    ['weights', 'info', '{MODEL}'], ['weights', 'path', '{MODEL}']):\n"
        "    done = CliRunner().invoke(app, words)\n"
        "    assert done.exit_code == 0, done.output\n"
        "heavy = {'torch', 'numpy', 'h5py', 'scipy', 'matplotlib'} & sys.modules.keys()\n"
        "sys.exit(f'imports {sorted(heavy)}' if heavy else 0)"
    )
    path = os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
