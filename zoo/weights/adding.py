"""The card of a model file: what the file and its run know, beside what only its author knows.

A card that is there already is a draft, also one of weights without a file: what people write
(summary, citation, licences, domain, known failures, mirrors) is kept, what files know is written
anew.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from zoo.artifacts.model_file import read_header, read_model
from zoo.artifacts.run_directory import RunDirectory, parse_run
from zoo.config.run import run_config
from zoo.config.toml import leaves
from zoo.contract.refs import resolve
from zoo.errors import UsageError, WeightsError, ZooError
from zoo.files import file_digest
from zoo.registry import registry
from zoo.weights.cache import Cache, unwritable
from zoo.weights.cards import Metric, Origin, WeightsCard
from zoo.weights.catalogue import cards
from zoo.weights.names import Digest
from zoo.weights.reading import card_from
from zoo.weights.resolving import config_digest

__all__ = ["Model", "card_toml", "find_model", "make_card", "merged", "store_model"]

_ZOO_FILE = "hdf5"
_TASTE = frozenset(
    (
        *("data.source", "data.path", "engine.device"),
        *("training.workers", "training.loggers", "training.log_every"),
    )
)
"""Settings that are told otherwise, or that do not matter."""


@dataclass(frozen=True)
class Model:
    """What is to be published.

    Attributes:
        file: The model file.
        run: Its run directory; ``None``: the file alone is known.
        header: Of the file.
        sha256: Of the file.
    """

    file: Path
    run: RunDirectory | None
    header: Mapping[str, Any]
    sha256: str


def find_model(ref: str) -> Model:
    """The model file that ``RUN``, ``RUN@step`` or a path names, every bit of it checked.

    Raises:
        WeightsError: If it is damaged or no model file.
        UsageError: If there is none.
    """
    folder, step = parse_run(ref)
    run = RunDirectory.open(folder) if RunDirectory.is_run(folder) else None
    file = run.model_at(step) if run is not None else Path(ref)
    if not file.is_file():
        raise UsageError(
            "is no run directory and no model file", where=ref, remedy="name RUN or FILE"
        )
    read_model(file)
    return Model(file, run, read_header(file), file_digest(file))


def make_card(
    model: Model,
    draft: Mapping[str, Any],
    origin: Origin,
    *,
    beside: bool = False,
    metrics: Sequence[Metric] = (),
) -> WeightsCard:
    """A whole card.

    Args:
        model: What is published.
        draft: What its author says; wins where a file does not know better.
        origin: Where the card will be.
        beside: Whether the file will lie beside the card, which is its first mirror then.
        metrics: What it measured; none: those of the draft.

    Raises:
        WeightsError: If a key is wrong or only its author can set it and has not, naming each; or
            if this version is published already as another file.
    """
    version = draft.get("version", "v1")
    values = merged(_known(model, version), draft)
    values = merged(values, _certain(model))
    if beside:
        mirrors = [values["file"]["name"], *values["file"].get("mirrors", ())]
        values["file"]["mirrors"] = list(dict.fromkeys(mirrors))
    if metrics:
        values["metrics"] = [metric.model_dump(exclude_none=True) for metric in metrics]
    card = card_from(values, origin)
    assert isinstance(card, WeightsCard)  # its kind is set above
    _require_new(card, model.sha256)
    return card


def card_toml(card: WeightsCard) -> str:
    """A card as the text of its file; empty parts are left out."""
    values = _without_empty(card.model_dump(mode="json", exclude_none=True))
    if card.known_failures is not None:
        values["known_failures"] = list(card.known_failures)
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    rows = {key: values.pop(key) for key in ("metrics",) if key in values}
    plain = {key: value for key, value in values.items() if key not in tables}
    return tomli_w.dumps({"kind": card.kind, **plain, **tables, **rows})


def store_model(model: Model, cache: Cache, card: Path | None, name: str) -> list[Path]:
    """Put a model file into the cache and, where a card is named, beside that card.

    Raises:
        UsageError: If a folder cannot be written.
    """
    digest = Digest("sha256", model.sha256)
    places = []
    if cache.fault(cache.place(digest), digest, model.file.stat().st_size):
        part = _aside(model.file, cache.partial(digest).parent)
        places.append(cache.keep(part, digest))
    else:
        places.append(cache.place(digest))
    if card is not None:
        target = card.parent / name
        part = _aside(model.file, target.parent)
        part.chmod(0o644)
        part.replace(target)
        places.append(target)
    return places


def _aside(file: Path, folder: Path) -> Path:
    """A copy under another name, whole or not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=f".{file.name}.")
    except OSError as error:
        raise unwritable(folder, error) from error
    os.close(descriptor)
    try:
        shutil.copyfile(file, name)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise unwritable(folder, error) from error
    return Path(name)


def _known(model: Model, version: str) -> dict[str, Any]:
    """What files tell; a draft may say it better."""
    header, run = model.header, model.run
    id_ = header["model"]
    lineage = header["lineage"]
    training: dict[str, Any] = {"steps": lineage.get("step", 0)}
    found: dict[str, Any] = {
        "version": version,
        "file": {"name": f"{id_.replace('/', '-')}-{version}.safetensors"},
        "lineage": {
            "start": _name_of(lineage.get("start", "")),
            "upstream": [_upstream(entry) for entry in lineage.get("upstream", ())],
            "split": lineage.get("split", ""),
        },
        "training": training,
    }
    if lineage.get("facts"):
        found["lineage"]["facts"] = lineage["facts"]
    if run is not None:
        environment = run.read_json(run.environment)
        training["environment"] = _flat(environment)
        training["device"] = ", ".join(environment.get("gpu", ())) or _cpu(environment)
        training["command"] = _command(id_, run.identity().get("config", {}))
        found["domain"] = _domain(id_, run)
    return found


def _certain(model: Model) -> dict[str, Any]:
    """What files know better than anybody."""
    return {
        "kind": "weights",
        "id": model.header["model"],
        "file": {
            "published": True,
            "reason": "",
            "sha256": model.sha256,
            "size": model.file.stat().st_size,
        },
        "training": {"config_digest": config_digest(model.header)},
    }


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables within tables are merged; of anything else the one above counts."""
    found = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = merged(found[key], value) if both else value
    return found


def _require_new(card: WeightsCard, sha256: str) -> None:
    """Another file is another version."""
    same = [known for known in cards() if known.ref == card.ref and known.published]
    if any(known.file.sha256 != sha256 for known in same):
        raise WeightsError(
            f"{card.ref} is published already, as another file ({same[0].origin})",
            where=str(card.origin),
            remedy=f"--set version=v{max(k.number for k in cards() if k.id == card.id) + 1}",
        )


def _name_of(sha256: str) -> str:
    """The published weights that a file is, or its digest."""
    known = {card.file.sha256: card.ref for card in cards() if card.published}
    return known.get(sha256, sha256)


def _upstream(entry: Mapping[str, str]) -> str:
    named = _name_of(entry.get("sha256", ""))
    return named if "@" in named else f"{entry.get('model', '')} {named}".strip()


def _flat(environment: Mapping[str, Any]) -> dict[str, str]:
    """Versions that can change a result."""
    packages = environment.get("packages", {})
    found = {name: version for name, version in packages.items() if version is not None}
    return {name: str(environment.get(name, "")) for name in ("python", "platform")} | found


def _cpu(environment: Mapping[str, Any]) -> str:
    return str(environment.get("cpu", {}).get("model", "")) or "cpu"


def _domain(id_: str, run: RunDirectory) -> dict[str, Any]:
    """A training on a simulator says so itself; any other one is told by its author."""
    task = registry().tasks.get(id_.partition("/")[0])
    source = str(run.identity().get("config", {}).get("data", {}).get("source", ""))
    spec = None if task is None else task.sources.get(source)
    if spec is None or spec.kind != "simulator":
        return {}
    return {"trained_on": f"zoo simulator: {source}, {spec.summary}", "sources": [source]}


def _command(id_: str, config: Mapping[str, Any]) -> str:
    """A command that gives this configuration: all that is not the default."""
    data = dict(config.get("data", {}))
    source, path = str(data.get("source") or ""), Path(str(data.get("path") or "")).name
    named = path if source == _ZOO_FILE and path else ":".join(filter(None, (source, path)))
    words = ["zoo", "train", id_, *(("--data", named) if named else ())]
    defaults = _defaults(id_)
    for keys, value in _leaves(config):
        key = ".".join(keys)
        if key in _TASTE:
            continue
        if key not in defaults or defaults[key] != value:
            words += ["--set", f"{key}={_toml(value)}"]
    return shlex.join(words)


def _defaults(id_: str) -> dict[str, Any]:
    """Dotted path -> default of a model's run configuration; empty where the model is unknown."""
    try:
        _, model = registry().model(id_)
        config_class: Any = resolve(model.config)
        config = run_config(config_class)()
    except (ZooError, ValueError):  # a setting without a default: all are told
        return {}
    return {".".join(map(str, keys)): value for keys, value in leaves(config)}


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    else:
        yield path, value


def _toml(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return tomli_w.dumps({"v": value}).partition("=")[2].strip()


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in values.items():
        inner = _without_empty(value) if isinstance(value, Mapping) else value
        if isinstance(inner, list):
            inner = [_without_empty(i) if isinstance(i, Mapping) else i for i in inner]
        if inner not in ("", [], {}) and (key, inner) != ("published", True):
            found[key] = inner
    return found
