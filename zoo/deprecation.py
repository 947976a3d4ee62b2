"""Names of ``zoo.api`` that will go: announced, with a date, before they do.

A name is deprecated in a minor version of the API and goes in a later major one, not before a
date. Until then whoever uses it is told once: which plugin, what to use instead, how long it works.
Its row in the table stays after it has gone, so that an old plugin is told why it no longer works.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

__all__ = ["DEPRECATED", "ChangeNotice", "Deprecation", "gone", "show_plainly", "tell", "uses"]


class ChangeNotice(FutureWarning):
    """Something old was used: it still works, and here is how long, or what it became."""


@dataclass(frozen=True, kw_only=True)
class Deprecation:
    """One name that will go.

    Attributes:
        since: Version of the API in which it was deprecated.
        removed_in: Version of the API that no longer has it.
        not_before: Date before which that version does not appear.
        use: What replaces it.
    """

    since: tuple[int, int]
    removed_in: tuple[int, int]
    not_before: date
    use: str

    def __str__(self) -> str:
        since, removed = (".".join(map(str, v)) for v in (self.since, self.removed_in))
        return (
            f"deprecated since API {since}, gone in API {removed}, not before {self.not_before}: "
            f"use {self.use}"
        )


DEPRECATED: Mapping[str, Deprecation] = {}
"""Name of ``zoo.api`` -> when it goes."""

uses: dict[tuple[str, str], str] = {}
"""(package, name) of every use so far -> what was said."""


def tell(name: str, deprecation: Deprecation, module: str) -> None:
    """Tell that a module uses a deprecated name; once for each package.

    Args:
        name: ``zoo.api.chunked``.
        deprecation: Its row.
        module: ``zoo_calo.learner``.
    """
    package = module.partition(".")[0] or "somebody"
    if (package, name) not in uses:
        uses[package, name] = f"{package} uses {name}, {deprecation}"
        warnings.warn(uses[package, name], ChangeNotice, stacklevel=3)


def gone(deprecation: Deprecation, api: tuple[int, int]) -> bool:
    """Whether this version of the API no longer has it."""
    return api >= deprecation.removed_in


def show_plainly() -> None:
    """Show notices of change as one line for people, without the place in the code."""
    before = warnings.formatwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        line: str | None = None,
    ) -> str:
        if issubclass(category, ChangeNotice):
            return f"note: {message}\n"
        return before(message, category, filename, lineno, line)

    warnings.formatwarning = show
