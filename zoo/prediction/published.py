"""Published weights by id: ``TASK/MODEL@VERSION``. Neither torch nor numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.registry import registry
from zoo.weights import WeightsCard, find, resolve

__all__ = ["about_card", "card_of", "published_file"]


def card_of(ref: str | Path) -> WeightsCard | None:
    """The card that a reference names; ``None``: it names something else.

    An installed id goes before a run directory of the same name, as everywhere.

    Raises:
        WeightsError: If the model has no such weights.
    """
    id_, at, version = str(ref).partition("@")
    return find(id_, version) if at and id_ in registry().models else None


def published_file(ref: str | Path) -> Path | None:
    """The model file of published weights, fetched if need be; ``None``: it names something else.

    Raises:
        WeightsError: If there are none of that id and version, or their file is not what the card
            says or cannot be had.
    """
    card = card_of(ref)
    return None if card is None else resolve(card)


def about_card(card: WeightsCard) -> dict[str, Any]:
    """What results keep of published weights: which they are, and where they may be trusted."""
    return {
        "id": card.id,
        "version": card.version,
        "sha256": card.file.sha256,
        "trained_on": card.domain.trained_on,
        "sources": list(card.domain.sources),
        "valid_for": list(card.domain.valid_for),
    }
