"""What commands tell of files in the store, of weights and of data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.cli.output import console
from zoo.cli.progress import progress_bar

if TYPE_CHECKING:
    from zoo.weights.cache import Cache
    from zoo.weights.catalogue import BadCard
    from zoo.weights.store import Held, Progress, Tell, Wanted

__all__ = ["NOT_PUBLISHED", "bad_rows", "bytes_text", "fetched", "told_fault", "where_of"]

NOT_PUBLISHED = "NOT PUBLISHED"
_TO_PULL = "to pull"


@contextmanager
def fetched(what: str) -> Iterator[tuple[Progress, Tell]]:
    """Progress of a transfer, and remarks, on stderr."""

    def tell(text: str) -> None:
        console().print(text, soft_wrap=True, markup=False, highlight=False)

    with progress_bar(f"pulling {what}", "bytes") as progress:
        yield progress, tell


def where_of(held: Held | None, *, published: bool) -> str:
    """``cached``, ``shared``, ``package``, ``to pull`` or ``NOT PUBLISHED``."""
    if not published:
        return NOT_PUBLISHED
    return _TO_PULL if held is None else held.where


def bad_rows(bad: Sequence[BadCard]) -> list[dict[str, str]]:
    """Cards that cannot be used, as JSON."""
    return [
        {"plugin": one.plugin, "where": one.where, "message": one.message, "remedy": one.remedy}
        for one in bad
    ]


def told_fault(path: Path, wanted: Wanted, cache: Cache) -> str:
    """What is wrong with a file, all of it hashed; empty: nothing."""
    from zoo.errors import WeightsError

    fault = cache.fault(path, wanted.digest, wanted.size, always=True)
    if fault:
        return fault
    try:
        wanted.check(path)
    except WeightsError as error:
        return error.message
    return ""


def bytes_text(size: Any) -> str:
    """``1.2 MB``; empty for ``None``."""
    if size is None:
        return ""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"
