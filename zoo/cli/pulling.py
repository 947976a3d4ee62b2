"""Published weights that a command names are fetched before it begins, with progress."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zoo.cli.output import console
from zoo.cli.progress import progress_bar

__all__ = ["pull_named"]


def pull_named(refs: Iterable[str | Path | None]) -> None:
    """Have the files of all published weights among references on this machine.

    Raises:
        WeightsError: If there are no such weights, or they cannot be had.
    """
    from zoo.prediction.published import card_of
    from zoo.weights import resolve

    cards = {card.ref: card for card in map(card_of, filter(None, refs)) if card is not None}
    for ref, card in cards.items():
        with progress_bar(f"pulling {ref}", "bytes") as progress:
            resolve(card, progress=progress, tell=_tell)


def _tell(text: str) -> None:
    console().print(text, soft_wrap=True, markup=False)
