"""Whether samples are of the kind that published weights were trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.config.run import DataConfig
from zoo.contract.predictor import Predictor
from zoo.contract.source import Source
from zoo.contract.task import Task
from zoo.data.store import TableFile

__all__ = ["domain_of", "origin_of", "weights_of"]

_SIMULATOR = "zoo simulator"
"""How a card begins to say that its weights have seen simulated samples alone."""


def origin_of(task: Task, source: Source, config: DataConfig) -> dict[str, str]:
    """Where samples come from: ``source``, ``kind``; empty where nothing tells.

    A file that zoo wrote tells from which source, and of what kind that was.
    """
    name = config.source
    if isinstance(source, TableFile):
        told = source.about.get("source")
        name = str(told.get("source", "")) if isinstance(told, Mapping) else ""
    spec = task.sources.get(name)
    return {"source": name if spec else "", "kind": spec.kind if spec else ""}


def weights_of(predictor: Predictor) -> Mapping[str, Any] | None:
    """What is known of the published weights of a predictor, or of an export of them."""
    info: Mapping[str, Any] = getattr(predictor, "info", {})
    told = info.get("weights") or info.get("lineage", {}).get("weights")
    return told if isinstance(told, Mapping) else None


def domain_of(
    predictor: Predictor, task: Task, source: Source, config: DataConfig
) -> dict[str, Any] | None:
    """Published weights and the samples that they are given; ``None``: they are not published.

    Returns:
        What :func:`~zoo.prediction.published.about_card` tells, ``input`` (``source``, ``kind``),
        and ``warnings``, sentences: what speaks against trusting them here. Another detector is no
        warning but an error: see :func:`~zoo.prediction.compatibility.require_facts`.
    """
    weights = weights_of(predictor)
    if weights is None:
        return None
    origin = origin_of(task, source, config)
    return {**weights, "input": origin, "warnings": _warnings(weights, origin)}


def _warnings(weights: Mapping[str, Any], origin: Mapping[str, str]) -> list[str]:
    name = f"{weights['id']}@{weights['version']}"
    trained = f"{name} was trained on: {weights['trained_on']}"
    if not origin["source"]:
        return [f"nothing tells where these samples come from; {trained}"]
    here = f"these samples come from {origin['source']} ({origin['kind']})"
    if weights["sources"]:
        known = origin["source"] in weights["sources"]
    else:
        simulated = weights["trained_on"].lower().startswith(_SIMULATOR)
        known = not simulated or origin["kind"] == "simulator"
    return [] if known else [f"{here}; {trained}"]
