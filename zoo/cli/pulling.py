"""Published weights that a command names are fetched before it begins, with progress."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

__all__ = ["pull_named"]


def pull_named(refs: Iterable[str | Path | None]) -> None:
    """Have the files of all published weights among references on this machine.

    Raises:
        WeightsError: If there are no such weights, or they cannot be had.
    """
    from zoo.cli.stored import fetched
    from zoo.prediction.published import card_of
    from zoo.weights import resolve

    for name in dict.fromkeys(str(ref) for ref in refs if ref):
        card = card_of(name)
        if card is not None:
            with fetched(card.ref) as (progress, tell):
                resolve(card, progress=progress, tell=tell)
