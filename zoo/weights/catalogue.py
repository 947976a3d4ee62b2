"""All cards that installed plugins bring; a wrong one is kept with its reason, harming no other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TypeVar

from zoo.errors import UsageError, WeightsError, suggestion
from zoo.registry import Plugin, Registry, registry
from zoo.weights.cards import Card, DataCard, Origin, WeightsCard
from zoo.weights.names import parse_mirror
from zoo.weights.reading import MAX_CARD, parse_card

__all__ = [
    "BadCard",
    "Catalogue",
    "bad_cards",
    "beside",
    "cards",
    "data_cards",
    "find",
    "find_data",
    "read_cards",
    "split_ref",
]


_AnyCard = TypeVar("_AnyCard", WeightsCard, DataCard)


@dataclass(frozen=True)
class BadCard:
    """A card, or a folder of cards, that cannot be used.

    Attributes:
        plugin: Who brings it.
        where: File and key.
        message: What is wrong.
        remedy: What to do.
        id: What it says it is for, if that can be read.
    """

    plugin: str
    where: str
    message: str
    remedy: str
    id: str = ""


@dataclass(frozen=True)
class Catalogue:
    """What was found."""

    weights: tuple[WeightsCard, ...] = ()
    data: tuple[DataCard, ...] = ()
    bad: tuple[BadCard, ...] = ()


def cards() -> Sequence[WeightsCard]:
    """Cards of weights, by id and version, published or not."""
    return _catalogue(registry()).weights


def data_cards() -> Sequence[DataCard]:
    """Cards of data sets, by id and version."""
    return _catalogue(registry()).data


def bad_cards() -> Sequence[BadCard]:
    """Cards that cannot be used, each with its reason."""
    return _catalogue(registry()).bad


def split_ref(ref: str) -> tuple[str, str | None]:
    """``TASK/NAME@VERSION`` as id and version; ``None``: it names no version."""
    id_, at, version = ref.partition("@")
    return (id_, version) if at else (ref, None)


def find(id_: str, version: str | None = None) -> WeightsCard:
    """The card of weights with this id.

    Args:
        id_: ``TASK/MODEL``, or ``TASK/MODEL@VERSION``.
        version: ``v1``; ``None``: that of the id, or else the newest that has a file, or else the
            newest. The caller tells which one it is (``card.ref``).

    Raises:
        WeightsError: If there is none, with the nearest id or the known versions.
    """
    remedy = "train it (`zoo train`), or name a run directory or a model file"
    found = _named(id_, version, cards(), "published weights of this model", remedy)
    return next((card for card in found if card.published), found[0])


def find_data(id_: str, version: str | None = None) -> DataCard:
    """The card of a data set; as :func:`find`.

    Raises:
        WeightsError: If there is none.
    """
    remedy = "`zoo data list` shows all"
    return _named(id_, version, data_cards(), "data set of this name", remedy)[0]


def beside(card: Card) -> Traversable | None:
    """The folder in which a card lies; ``None``: it was not found in a plugin."""
    package, colon, folder = card.origin.folder.partition(":")
    return _resource(package, folder) if colon else None


def read_cards(plugins: Iterable[Plugin]) -> Catalogue:
    """The cards of some plugins.

    Two cards that claim one ``id@version`` are both bad: it belongs to neither.
    """
    found = [
        entry
        for plugin in plugins
        for folder in dict.fromkeys(plugin.cards)
        for entry in _read_folder(plugin.name, folder)
    ]
    good = [entry for entry in found if not isinstance(entry, BadCard)]
    bad = [entry for entry in found if isinstance(entry, BadCard)]
    counts = Counter((card.kind, card.ref) for card in good)
    for card in good:
        if counts[card.kind, card.ref] > 1:
            others = [c for c in good if (c.kind, c.ref) == (card.kind, card.ref) and c is not card]
            bad.append(_claimed_twice(card, others))
    ours = sorted(
        (card for card in good if counts[card.kind, card.ref] == 1),
        key=lambda card: (card.id, -card.number),
    )
    return Catalogue(
        tuple(card for card in ours if isinstance(card, WeightsCard)),
        tuple(card for card in ours if isinstance(card, DataCard)),
        tuple(bad),
    )


@lru_cache(maxsize=1)
def _catalogue(found: Registry) -> Catalogue:
    return read_cards(found.plugins)


def _named(
    id_: str, version: str | None, known: Sequence[_AnyCard], what: str, remedy: str
) -> list[_AnyCard]:
    """Cards of an id, newest first; at least one."""
    name, within = split_ref(id_)
    if version is not None and within is not None and version != within:
        raise UsageError("names two versions", where=f"{id_}, {version}", remedy="name one")
    version = version or within
    same = [card for card in known if card.id == name]
    where = name if version is None else f"{name}@{version}"
    if not same:
        near = suggestion(name, {card.id for card in known}) if known else ""
        near = f"{near}; " if near.startswith("did you mean") else ""
        raise WeightsError(
            f"no {what} are known{_bad_ones(name)}", where=where, remedy=f"{near}{remedy}"
        )
    chosen = [card for card in same if version in (None, card.version)]
    if not chosen:
        versions = ", ".join(card.version for card in same)
        raise WeightsError(
            f"there is no version {version}{_bad_ones(name)}",
            where=where,
            remedy=f"known: {versions}",
        )
    return chosen


def _bad_ones(id_: str) -> str:
    """A hint at a card of this id that cannot be used."""
    bad = [card for card in bad_cards() if card.id == id_]
    return f" (a card of it cannot be used: {bad[0].where})" if bad else ""


def _read_folder(plugin: str, folder: str) -> Iterator[Card | BadCard]:
    package, colon, inside = folder.partition(":")
    remedy = "tell the plugin's author"
    if not (package and colon and inside):
        reason = "a folder of cards is named as a resource, 'package:folder'"
        yield BadCard(plugin, repr(folder), reason, remedy)
        return
    try:
        listed = sorted(_resource(package, inside).iterdir(), key=lambda entry: entry.name)
    except Exception as error:  # noqa: BLE001  # its package is imported: anything may be raised
        yield BadCard(plugin, folder, f"no such folder ({type(error).__name__}: {error})", remedy)
        return
    for entry in listed:
        if entry.name.endswith(".toml"):
            yield _read_card(plugin, folder, entry)


def _read_card(plugin: str, folder: str, entry: Traversable) -> Card | BadCard:
    origin = Origin(plugin, folder, entry.name)
    try:
        with entry.open("rb") as stream:
            content = stream.read(MAX_CARD + 1)
    except OSError as error:
        return BadCard(plugin, str(origin), f"cannot be read ({error})", "reinstall the plugin")
    try:
        return parse_card(content, origin)
    except WeightsError as error:
        return BadCard(plugin, error.where, error.message, error.remedy, _claimed_id(content))


def _claimed_id(content: bytes) -> str:
    line = re.search(rb'^id\s*=\s*"([\w./-]+)"', content, re.MULTILINE)
    return line[1].decode() if line else ""


def _resource(package: str, folder: str) -> Traversable:
    """A folder within a package.

    Raises:
        ValueError: If its name would lead out of the package.
        ImportError: If there is no such package.
    """
    return files(package).joinpath(*parse_mirror(folder).resource.split("/"))


def _claimed_twice(card: Card, others: Sequence[Card]) -> BadCard:
    rivals = ", ".join(f"{other.origin.plugin} ({other.origin})" for other in others)
    return BadCard(
        card.origin.plugin,
        f"{card.origin}: id",
        f"{card.ref} is also claimed by {rivals}; nobody gets it",
        "uninstall one plugin, or name the other alone in ZOO_PLUGINS",
        card.id,
    )
