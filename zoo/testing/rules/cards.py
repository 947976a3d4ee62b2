"""R17: cards of published weights and data sets."""

from __future__ import annotations

from zoo.testing.rule import NotApplicable, Violation
from zoo.testing.subjects import PluginSubject
from zoo.weights.cards import WeightsCard
from zoo.weights.catalogue import read_cards

__all__ = ["cards"]


def cards(subject: PluginSubject) -> str:
    """Read every card in the folders that the hook ``zoo_cards`` names."""
    found = read_cards((subject.plugin,))
    for bad in found.bad:
        raise Violation(f"{bad.where}: {bad.message}", bad.remedy)
    if not (found.weights or found.data):
        raise NotApplicable("it publishes no weights")
    for card in found.weights:
        _require_model(subject, card)
    unmeasured = [card.ref for card in found.weights if card.published and not card.metrics]
    for ref in unmeasured:
        raise Violation(
            f"{ref} tells no number that it reached",
            "evaluate it, and write the numbers with `zoo weights add`",
        )
    return f"{len(found.weights)} of weights, {len(found.data)} of data"


def _require_model(subject: PluginSubject, card: WeightsCard) -> None:
    task, _, name = card.id.partition("/")
    known = subject.plugin.tasks.get(task)
    if card.id not in subject.plugin.models and (known is None or name not in known.models):
        raise Violation(
            f"{card.origin}: '{card.id}' is no model of this plugin",
            "write id = 'TASK/MODEL' of one that it brings",
        )
