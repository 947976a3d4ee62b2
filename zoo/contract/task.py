"""What a plugin registers: tasks, their models and their sources. Plain data, no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from zoo.contract.refs import Ref

__all__ = ["API_VERSION", "Model", "SourceSpec", "Task"]

API_VERSION = (1, 0)
"""Version of the contract: (breaking, additive)."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """One id ``TASK/NAME``: networks with a typed config, or a classical algorithm.

    Attributes:
        config: A pydantic class: every setting of networks, codec and learner.
        summary: One line for ``zoo list``.
        cite: The publication.
        networks: ``(config, facts) -> dict[str, nn.Module]``; ``None`` for a classical model.
        predictor: ``(config, facts) -> Predictor``, the classical algorithm.
        codec, learner, deploy: Replace the task's; ``None``: the task's.
        baseline: Always a row of every ``eval`` table.
        oracle: The ceiling: always a row too, and marked as such.
        needs: Sample fields that a classical model reads; where a source lacks one, its row says
            "not available: needs X".
        compile_safe: Whether ``torch.compile`` gives the same training.
        second_order: Whether its learner differentiates twice (forbids fsdp2 and compile).
        check: Check file of this model instead of the task's, as a resource; empty: the task's.
    """

    config: Ref
    summary: str
    cite: str = ""
    networks: Ref | None = None
    predictor: Ref | None = None
    codec: Ref | None = None
    learner: Ref | None = None
    deploy: Ref | None = None
    baseline: bool = False
    oracle: bool = False
    needs: frozenset[str] = frozenset()
    compile_safe: bool = False
    second_order: bool = False
    check: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """One place where samples come from.

    Attributes:
        kind: ``adapter`` reads files, ``simulator`` makes samples from keys, ``link`` joins the
            samples of another task to a model's predictions for them.
        factory: ``(config, path: str) -> Source`` for an adapter, ``(config) -> Simulator`` or
            ``(config) -> Link`` otherwise.
        config: A pydantic class with the source's settings.
        summary: One line for ``zoo info``.
        upstream: For a link, the name of the task whose samples and predictions it joins.
    """

    kind: Literal["adapter", "simulator", "link"]
    factory: Ref
    config: Ref
    summary: str
    upstream: str = ""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One learning problem with one kind of sample.

    Attributes:
        name: ``dnn-roi``; the first half of every id.
        summary: One line for ``zoo list``.
        sample, prediction: ``Specs`` of the two tables.
        models: Name -> model. Any file written by ``zoo data simulate|convert`` is read by the
            core itself, so ``sources`` lists only what the plugin adds.
        sources: Name -> source.
        codec, learner, deploy: What its models use unless they name their own.
        metrics: ``(facts) -> Metrics``.
        figures: ``(facts) -> Figures``; ``None``: tables only.
        select: The validation number by which the best snapshot is kept: ``loss`` or a metric.
        recipes: Name -> TOML file as a resource, ``"package:recipes/paper.toml"``.
        published: TOML file of values that others published, as a resource; a report shows them
            beside its own. Empty: none.
        check: TOML file for ``zoo check``, as a resource: settings that make models small, and
            failures that are expected. Empty: none.
    """

    name: str
    summary: str
    sample: Ref
    prediction: Ref
    models: Mapping[str, Model]
    sources: Mapping[str, SourceSpec]
    codec: Ref
    learner: Ref
    metrics: Ref
    deploy: Ref | None = None
    figures: Ref | None = None
    select: str = "loss"
    recipes: Mapping[str, str] = field(default_factory=dict)
    published: str = ""
    check: str = ""
