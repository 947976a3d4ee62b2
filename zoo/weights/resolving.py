"""From an id to a model file that may be loaded, and to the files of a data set."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.artifacts.canonical import digest
from zoo.artifacts.model_file import read_header
from zoo.errors import UsageError, WeightsError, suggestion
from zoo.weights.cache import Cache, this_cache, unwritable
from zoo.weights.cards import DataCard, DataFile, WeightsCard
from zoo.weights.catalogue import beside, find
from zoo.weights.names import Digest, Mirror, parse_mirror
from zoo.weights.store import Held, Progress, Tell, Wanted, held, obtain, unpublished

__all__ = [
    "check_model",
    "config_digest",
    "data_wanted",
    "holder",
    "obtain_data",
    "obtain_weights",
    "resolve",
    "wanted",
]

_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def resolve(
    card: WeightsCard | str,
    version: str | None = None,
    *,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> Path:
    """The model file of published weights, fetched where it is not on this machine.

    Its bytes are those of the card (see :mod:`zoo.weights.cache` for when they are hashed), and
    its header says the card's model and configuration. Nothing of it is executed.

    Args:
        card: A card, or the id of one: ``TASK/MODEL`` or ``TASK/MODEL@VERSION``.
        version: As for :func:`zoo.weights.find`.
        progress: Is told bytes that are there, bytes in all, while it is fetched.
        tell: Is told what is wrong with copies and mirrors that are left aside.

    Raises:
        WeightsError: If there is no such card, it is not published, no mirror gives it, or the
            file is not what the card says.
        UsageError: If the cache cannot be written, or the disk is full.
    """
    if isinstance(card, str):
        card = find(card, version)
    return obtain_weights(card, this_cache(), progress=progress, tell=tell).path


def obtain_weights(
    card: WeightsCard,
    cache: Cache,
    *,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> Held:
    """As :func:`resolve`, with the cache given and the place told."""
    return obtain(
        wanted(card), cache, tell=tell or _silent, progress=progress or (lambda _, __: None)
    )


def holder(card: WeightsCard, cache: Cache) -> Held | None:
    """Where the file lies, its bytes not looked at; ``None``: it would have to be fetched."""
    return next(held(wanted(card), cache), None) if card.published else None


def wanted(card: WeightsCard) -> Wanted:
    """The file of a card, for the store.

    Raises:
        WeightsError: If it is not published.
    """
    file = card.file
    if file.sha256 is None or file.size is None:
        raise unpublished(card.ref, file.reason)
    return Wanted(
        what=card.ref,
        digest=Digest("sha256", file.sha256),
        size=file.size,
        mirrors=[parse_mirror(text) for text in file.mirrors],
        beside=beside(card),
        check=lambda path: check_model(path, card),
    )


def check_model(path: Path, card: WeightsCard) -> None:
    """Whether a file is a model file of the card's model and configuration.

    Reads its header alone, at most 16 MiB of JSON.

    Raises:
        WeightsError: If it is not.
    """
    with suppress(OSError), path.open("rb") as stream:
        if stream.read(4).startswith(_PICKLES):
            raise _foreign(card, "it is a pickle, which runs code when it is read: never loaded")
    try:
        header = read_header(path)
    except WeightsError as error:
        raise _foreign(card, error.message) from error
    if header["model"] != card.id:
        raise _foreign(card, f"it is for {header['model']}")
    if config_digest(header) != card.training.config_digest:
        raise _foreign(card, "it was trained with other settings than the card says")


def config_digest(header: Mapping[str, Any]) -> str:
    """Digest of the settings that a model file was trained with.

    Of a file that no training here has made, that of the model's settings.
    """
    told = header["lineage"].get("config")
    return told if isinstance(told, str) and told else digest(header["config"])


def data_wanted(card: DataCard) -> Iterator[tuple[DataFile, Wanted]]:
    """The files of a data set, for the store.

    Raises:
        WeightsError: If the card names none.
    """
    if not card.files:
        place = f"https://doi.org/{card.doi}" if card.doi != "unknown" else card.home
        raise WeightsError(
            "its card names no files: no digests are stated, so nothing can be fetched safely",
            where=card.ref,
            remedy=f"fetch it from {place or 'its authors'}; `zoo data list --json` tells how "
            "zoo reads it",
        )
    for file in card.files:
        yield (
            file,
            Wanted(
                what=f"{card.ref} {file.name}",
                digest=file.digest,
                size=file.size,
                mirrors=[_mirror_of(base, file) for base in card.mirrors],
                beside=beside(card),
            ),
        )


@dataclass(frozen=True)
class DataFolder:
    """A data set on this machine.

    Attributes:
        path: The folder in which its files have their names: links into the cache.
        files: Name -> file.
    """

    path: Path
    files: Mapping[str, Held]


def obtain_data(
    card: DataCard,
    cache: Cache,
    *,
    only: Collection[str] = (),
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> DataFolder:
    """The files of a data set, fetched where they are not on this machine, under their names.

    Args:
        card: The data set.
        cache: Where files are and go.
        only: Names of files; none: all.
        progress, tell: As for :func:`resolve`.

    Raises:
        WeightsError, UsageError: As :func:`resolve`; or if there is no file of a name.
    """
    folder = cache.data(card.id, card.version)
    found = {}
    files = list(data_wanted(card))
    names = [file.name for file, _ in files]
    for unknown in (name for name in only if name not in names):
        raise UsageError(
            "the data set has no such file", where=unknown, remedy=suggestion(unknown, names)
        )
    for file, file_wanted in files:
        if only and file.name not in only:
            continue
        found[file.name] = obtain(
            file_wanted, cache, tell=tell or _silent, progress=progress or (lambda _, __: None)
        )
        _link(folder / file.name, found[file.name].path, cache)
    return DataFolder(folder, found)


def _mirror_of(base: str, file: DataFile) -> Mirror:
    return parse_mirror(f"{base.rstrip('/')}/{file.name}")


def _link(name: Path, target: Path, cache: Cache) -> None:
    """A name for a cached file; within our own cache relative, so that it may be moved."""
    inside = target.is_relative_to(cache.own)
    to = os.path.relpath(target, name.parent) if inside else str(target)
    try:
        if name.is_symlink() and str(name.readlink()) == to:
            return
        name.parent.mkdir(parents=True, exist_ok=True)
        aside = name.with_name(f".{name.name}.{os.getpid()}")
        aside.symlink_to(to)
        aside.replace(name)
    except OSError as error:
        raise unwritable(name, error) from error


def _foreign(card: WeightsCard, reason: str) -> WeightsError:
    return WeightsError(
        f"its file is not what the card says, and is not used: {reason}",
        where=card.ref,
        remedy=f"tell the author of the card ({card.origin}); the file has the card's digest",
    )


def _silent(_: str) -> None:
    """For callers that do not listen."""
