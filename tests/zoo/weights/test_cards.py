"""Cards: what is accepted, and what is told of a wrong one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from zoo.errors import UsageError, WeightsError
from zoo.registry import Plugin, Registry
from zoo.weights import catalogue
from zoo.weights.adding import card_toml
from zoo.weights.cards import DataCard, Origin, WeightsCard
from zoo.weights.catalogue import find, find_data, read_cards
from zoo.weights.names import parse_mirror
from zoo.weights.reading import MAX_CARD, card_from, parse_card
from zoo.weights.resolving import resolve

ORIGIN = Origin("toy", "toypack:cards", "net.toml")


@pytest.fixture
def installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[dict[str, Any]]]:
    """Plugins, each with a package of cards, as the only ones that are installed."""
    monkeypatch.syspath_prepend(tmp_path / "site")

    def install(**packages: dict[str, str | bytes]) -> None:
        plugins = []
        for name, files in packages.items():
            folder = tmp_path / "site" / name / "cards"
            folder.mkdir(parents=True)
            (folder.parent / "__init__.py").touch()
            for file, content in files.items():
                data = content.encode() if isinstance(content, str) else content
                (folder / file).write_bytes(data)
            plugins.append(Plugin(name=name, value=name, cards=[f"{name}:cards"]))
            sys.modules.pop(name, None)
        found = Registry(plugins)
        monkeypatch.setattr(catalogue, "registry", lambda: found)

    return install


def data_values(**changes: object) -> dict[str, Any]:
    return {
        "kind": "data",
        "id": "toy/showers",
        "version": "v1",
        "summary": "Showers",
        "citation": "Nobody, 2026",
        "licences": {"data": "unknown"},
        "reader": {"source": "files"},
    } | changes


def test_a_whole_card_is_read_and_frozen(toys: Any) -> None:
    text = tomli_w.dumps(toys.values("https://a.org/net.safetensors"))
    card = parse_card(text.encode(), ORIGIN)
    assert isinstance(card, WeightsCard)
    assert (card.ref, card.task, card.published) == ("toy/net@v1", "toy", True)
    assert str(card.origin) == "toypack:cards/net.toml"
    with pytest.raises(ValueError, match="frozen"):
        card.summary = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "where", "says", "remedy"),
    [
        ({"kind": None}, "kind", "does not say its kind", 'kind = "weights"'),
        ({"kind": "model"}, "kind", "unknown kind 'model'", 'kind = "weights"'),
        ({"id": "net"}, "id", "it is 'net'", "correct"),
        ({"id": "../net"}, "id", "it is '../net'", "correct"),
        ({"version": "1.0"}, "version", "it is '1.0'", "correct"),
        ({"version": "v1\n"}, "version", r"it is 'v1\n'", "correct"),
        ({"licence": "MIT"}, "licence", "no such key", "'licences'"),
        ({"summary": None}, "summary", "must be set", "One sentence"),
        ({"known_failures": None}, "known_failures", "must be set", "wrong"),
        ({"file.sha256": "abc"}, "file.sha256", "it is 'abc'", "correct"),
        ({"file.sha256": None}, "file", "it lacks sha256", "correct"),
        ({"file.published": False}, "file", "it is not published", "correct"),
        ({"file": {"published": False}}, "file", "say why", "correct"),
        ({"file.size": 0}, "file.size", "greater than or equal to 1", "correct"),
        ({"file.name": "../../x"}, "file.name", "no part begins with '.'", "correct"),
        ({"file.mirrors": ["ftp://a.org/x"]}, "file.mirrors.0", "no mirror zoo knows", "correct"),
        ({"licences.weights": "MITT"}, "licences.weights", "no SPDX", "correct"),
        ({"licences.weights": "unknown"}, "licences.weights", "no SPDX", "correct"),
        ({"training.steps": "many"}, "training.steps", "valid integer", "correct"),
        ({"domain.trained_on": None}, "domain.trained_on", "must be set", "zoo simulator"),
    ],
)
def test_a_wrong_card_names_file_key_and_remedy(
    toys: Any, change: dict[str, object], where: str, says: str, remedy: str
) -> None:
    values = toys.values()
    for path, value in change.items():
        *sections, key = path.split(".")
        table = values
        for section in sections:
            table = table[section]
        if value is None:
            del table[key]
        else:
            table[key] = value
    with pytest.raises(WeightsError) as caught:
        card_from(values, ORIGIN)
    assert caught.value.where == f"toypack:cards/net.toml: {where}"
    assert says in caught.value.message
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    "key",
    [
        *("licences.weights", "training.environment", "training.config_digest", "training.device"),
        *("training.steps", "domain.trained_on", "known_failures"),
    ],
)
def test_what_is_said_of_a_file_and_not_of_none(toys: Any, key: str) -> None:
    values = toys.values()
    *sections, last = key.split(".")
    table = values[sections[0]] if sections else values
    del table[last]
    with pytest.raises(WeightsError, match="it must be set") as caught:
        card_from(values, ORIGIN)
    assert caught.value.where.endswith(f": {key}")
    values["file"] = {"published": False, "reason": "it is not trained"}
    card = card_from(values, ORIGIN)
    again = parse_card(card_toml(card).encode(), ORIGIN)  # type: ignore[arg-type]  # of weights
    assert again == card


def test_a_card_without_a_file_is_short(toys: Any) -> None:
    values = toys.values()
    for key in ("domain", "known_failures"):
        del values[key]
    values |= {
        "file": {"published": False, "reason": "it is not trained"},
        "licences": {"data": "CC0-1.0"},
        "training": {"command": "zoo train toy/net --data toys.h5"},
    }
    card = card_from(values, ORIGIN)
    assert not card.published  # type: ignore[union-attr]  # it is of weights


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "does not say its kind"),
        (b"\xff", "no UTF-8"),
        (b"id = ", "no valid TOML"),
        (b"a = [" * 20_000, "no valid TOML"),
        (b"#" * (MAX_CARD + 1), "more than"),
    ],
)
def test_what_is_no_card(content: bytes, says: str) -> None:
    with pytest.raises(WeightsError, match=says):
        parse_card(content, ORIGIN)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://a.org/x/net.safetensors", "https://a.org/x/net.safetensors"),
        (
            "doi:10.5281/zenodo.3826103/net.safetensors",
            "https://zenodo.org/records/3826103/files/net.safetensors?download=1",
        ),
        (
            "hf://org/repo@v1.0/a/net.safetensors",
            "https://huggingface.co/org/repo/resolve/v1.0/a/net.safetensors",
        ),
    ],
)
def test_mirrors_on_the_network(text: str, url: str) -> None:
    assert parse_mirror(text).url == url


def test_mirrors_on_a_disk() -> None:
    assert parse_mirror("file:///cvmfs/a%20b/net").path == Path("/cvmfs/a b/net")
    assert parse_mirror("models/net.safetensors").resource == "models/net.safetensors"


@pytest.mark.parametrize(
    "text",
    [
        *("../net", "/etc/passwd", "a/../../net", "a\\..\\net", ".hidden", "a//b", "", "net\0"),
        *("a/./b", "net\n", "~/net", "C:\\net", "file://host/net", "file:///a/../../etc/passwd"),
        *("file:relative", "http://a.org/net", "https://a.org", "https://u:p@a.org/net"),
        *("https://a.org/a/../b", "https://a.org/a/%2e%2e/b", "https://a.org/a b", "ftp://a.org/n"),
        *("https://a.org:x/net", "doi:10.1000/other/net", "doi:10.5281/zenodo.12/../x"),
        *("hf://org/net", "hf://org/repo/net", "hf://org/repo@main/../x", "data:text/plain,x"),
    ],
)
def test_names_that_leave_their_place_are_no_mirrors(toys: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_mirror(text)
    with pytest.raises(WeightsError, match="mirrors"):
        card_from(toys.values(text), ORIGIN)


@pytest.mark.parametrize("name", ["../x.h5", "/x.h5", "a/../../x.h5", ".x", "a\\b"])
def test_names_that_leave_the_folder_of_a_data_set(name: str) -> None:
    files = [{"name": name, "size": 3, "md5": "0" * 32}]
    with pytest.raises(WeightsError) as caught:
        card_from(data_values(files=files), ORIGIN)
    assert caught.value.where.endswith("files.0.name")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"files": [{"name": "x", "size": 3}]}, "needs sha256, or md5"),
        ({"files": [{"name": "x", "size": 3, "md5": "0" * 32}] * 2}, "two files have one name"),
        ({"mirrors": ["gopher://a"]}, "no mirror zoo knows"),
        ({"doi": "https://doi.org/10.5281/x"}, "a DOI is"),
    ],
)
def test_wrong_cards_of_data(change: dict[str, Any], says: str) -> None:
    with pytest.raises(WeightsError, match=says):
        card_from(data_values(**change), ORIGIN)


def test_a_bad_card_harms_no_other(toys: Any, installed: Any) -> None:
    good = tomli_w.dumps(toys.values())
    bad = tomli_w.dumps(toys.values() | {"id": "toy/bad", "version": "one"})
    installed(
        first={"good.toml": good, "bad.toml": bad, "torn.toml": b"\xff", "readme.md": "no card"},
        second={"data.toml": tomli_w.dumps(data_values())},
    )
    assert [card.ref for card in catalogue.cards()] == ["toy/net@v1"]
    assert [card.ref for card in catalogue.data_cards()] == ["toy/showers@v1"]
    assert [bad.where for bad in catalogue.bad_cards()] == [
        "first:cards/bad.toml: version",
        "first:cards/torn.toml",
    ]
    with pytest.raises(WeightsError, match=r"a card of it cannot be used: first:cards/bad\.toml"):
        find("toy/bad")


@pytest.mark.parametrize("folder", ["nowhere:cards", "zoo:nowhere", "zoo", "zoo:../tests", ":x"])
def test_a_folder_of_cards_that_is_not_there(folder: str) -> None:
    found = read_cards([Plugin(name="toy", value="toy", cards=[folder])])
    assert [(bad.plugin, bool(bad.remedy)) for bad in found.bad] == [("toy", True)]


def test_two_plugins_that_claim_one_version_get_nothing(toys: Any, installed: Any) -> None:
    card, later = toys.values(), toys.values() | {"version": "v2"}
    both = {"net.toml": tomli_w.dumps(card), "later.toml": tomli_w.dumps(later)}
    installed(first=both, rival={"net.toml": tomli_w.dumps(card)})
    assert [card.ref for card in catalogue.cards()] == ["toy/net@v2"]
    assert all("also claimed by" in bad.message for bad in catalogue.bad_cards())
    assert {bad.plugin for bad in catalogue.bad_cards()} == {"first", "rival"}


def test_versions(toys: Any, installed: Any) -> None:
    values = {f"v{n}": toys.values() | {"version": f"v{n}"} for n in (1, 2, 9, 10, 11)}
    values["v11"]["file"] = {"published": False, "reason": "it is too large"}
    installed(first={f"{name}.toml": tomli_w.dumps(card) for name, card in values.items()})
    assert find("toy/net").version == "v10"  # the newest that has a file
    assert find("toy/net@v2").version == "v2"
    assert find("toy/net", "v11").published is False
    with pytest.raises(WeightsError, match=r"NOT PUBLISHED: it is too large") as caught:
        resolve("toy/net", "v11")
    assert "zoo weights info" in caught.value.remedy
    with pytest.raises(WeightsError, match="no version v3") as caught:
        find("toy/net@v3")
    assert caught.value.remedy == "known: v11, v10, v9, v2, v1"
    with pytest.raises(WeightsError) as caught:
        find("toy/nett")
    assert "did you mean 'toy/net'?" in caught.value.remedy
    with pytest.raises(UsageError, match="two versions"):
        find("toy/net@v1", "v2")
    with pytest.raises(WeightsError, match="no data set"):
        find_data("toy/net")


def test_cards_of_this_distribution_are_whole() -> None:
    """Every card beside a plugin is read, is in the folder that its plugin names, and is used."""
    plugins = Path(__file__).parents[3] / "plugins"
    for folder in sorted(plugins.glob("zoo_*/cards")):
        found = read_cards(
            [Plugin(name=folder.parent.name, value="", cards=[f"{folder.parent.name}:cards"])]
        )
        assert not found.bad, found.bad
        assert len(found.weights) + len(found.data) == len(list(folder.glob("*.toml")))
        assert '"{_HERE}:cards"' in (folder.parent / "plugin.py").read_text()


def test_sources_of_data_cards_exist_and_take_their_options() -> None:
    """`zoo data check` reads a data set by what its card says."""
    from zoo.contract.refs import resolve as resolve_ref
    from zoo.registry import registry

    sources = registry()
    assert catalogue.data_cards()
    for card in catalogue.data_cards():
        assert isinstance(card, DataCard)
        config: Any = resolve_ref(sources.task(card.task).sources[card.reader.source].config)
        config(**card.reader.options)


def test_cards_are_light(toys: Any, tmp_path: Path) -> None:
    """Neither cards nor the store import torch, numpy, or the network."""
    code = (
        "import sys, zoo.weights, zoo.weights.store\n"
        "zoo.weights.cards(), zoo.weights.data_cards()\n"
        "heavy = {'torch', 'numpy', 'h5py', 'urllib3', 'filelock'} & sys.modules.keys()\n"
        "sys.exit(f'imports {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
