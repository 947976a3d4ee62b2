"""The stages of the chain, and the models that a user names for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.api import DataError, Predictor, Table, UsageError, load
from zoo_sparse_reco.chain.inputs import STANDS_FOR
from zoo_sparse_reco.chain.truths import (
    SHOWERS,
    TRACKS,
    TrueClasses,
    TrueFragments,
    TrueGroups,
    TrueInteractions,
)
from zoo_sparse_reco.specs import INPUTS

__all__ = ["DEFAULTS", "STAGES", "TRUTH", "Opened", "Stage", "chosen", "fit", "open_stages"]

TRUTH = "truth"
"""Name of the stage that answers the truth."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One of them.

    Attributes:
        name: On the command line, ``name=MODEL``.
        task: Of its models.
        baseline: Classical algorithm that does it where no model is named.
        truth: Makes what answers the truth.
        model: End of the name of networks that do it, where a task has several kinds.
        tells: Columns ``input_...`` that later stages read.
    """

    name: str
    task: str
    baseline: str
    truth: Callable[[], Predictor]
    model: str = ""
    tells: frozenset[str] = frozenset()


_POINTS = frozenset(name for name in INPUTS if name.startswith("input_point_"))


def _grouping(name: str, truth: Callable[[], Predictor], *tells: str) -> Stage:
    return Stage(
        name=name,
        task="sparse-group",
        baseline="sparse-group/nearest-start",
        truth=truth,
        model=name,
        tells=frozenset(tells),
    )


STAGES: tuple[Stage, ...] = (
    Stage(
        name="semantic",
        task="sparse-semantic",
        baseline="sparse-semantic/local-dedx",
        truth=TrueClasses,
        tells=frozenset({"input_semantic"}) | _POINTS,
    ),
    Stage(
        name="cluster",
        task="sparse-cluster",
        baseline="sparse-cluster/dbscan",
        truth=TrueFragments,
        tells=frozenset({"input_fragment"}),
    ),
    _grouping("shower", lambda: TrueGroups(SHOWERS)),
    _grouping("track", lambda: TrueGroups(TRACKS), "input_particle"),
    _grouping("interaction", TrueInteractions),
)
"""In their order. Showers and tracks read the same fragments; together they tell the particles."""

DEFAULTS: Mapping[str, str] = {stage.name: stage.baseline for stage in STAGES}


@dataclass(frozen=True)
class Opened:
    """A stage with what does it.

    Attributes:
        stage: Which.
        ref: What the user named.
        predictor: Predicts.
    """

    stage: Stage
    ref: str
    predictor: Predictor

    @property
    def is_truth(self) -> bool:
        """Whether it answers the truth."""
        return self.ref == TRUTH

    @property
    def model(self) -> str:
        """Id of the model, or ``truth``."""
        return str(getattr(self.predictor, "model", self.ref))

    @property
    def identity(self) -> Mapping[str, str]:
        """What tells one model from another: its id and the digest of its file."""
        info: Mapping[str, Any] = getattr(self.predictor, "info", {})
        return {"model": self.model, "sha256": str(info.get("sha256", ""))}


def chosen(refs: Sequence[str]) -> dict[str, str]:
    """The model of each stage, by the stage's name; those not named are the baselines.

    Args:
        refs: ``STAGE=MODEL``, or ``MODEL``: a run, weights, an exported file or a baseline whose
            stage is told by its id. A baseline of ``sparse-group`` does all of its stages.

    Raises:
        UsageError: There is no such stage, or one is named twice, or a model without ``STAGE=``
            does not tell its stage.
    """
    found: dict[str, str] = {}
    for ref in refs:
        name, equals, model = ref.partition("=")
        if equals and not Path(ref).exists():
            _require_stage(name, ref)
            names = [name]
        else:
            model, names = ref, _stages_of(ref)
        for one in names:
            if one in found:
                raise UsageError(
                    f"two models for the stage {one}: {found[one]} and {model}",
                    where=ref,
                    remedy="name one model a stage",
                )
            found[one] = model
    return {**DEFAULTS, **found}


def open_stages(
    refs: Mapping[str, str], facts: Mapping[str, Any], device: str = "cpu"
) -> dict[str, Opened]:
    """All stages with their models loaded; what does several stages is loaded once.

    Args:
        refs: By stage ``truth``, or what :func:`zoo.api.load` takes.
        facts: Of the data.
        device: Where networks compute.

    Raises:
        UsageError: A model is of another stage.
        DataError: Its classes are numbered by another scheme than those of the data.
        WeightsError, PluginError, UsageError: As :func:`zoo.api.load`.
    """
    loaded = {ref: load(ref, facts=facts, device=device) for ref in refs.values() if ref != TRUTH}
    found = {}
    for stage in STAGES:
        ref = refs[stage.name]
        opened = Opened(stage, ref, stage.truth() if ref == TRUTH else loaded[ref])
        if not opened.is_truth:
            _require_stage_of(opened)
            _require_scheme(opened, facts)
        found[stage.name] = opened
    return found


def _require_stage_of(opened: Opened) -> None:
    stage, ref, name = opened.stage, opened.ref, opened.stage.name
    task, _, model = opened.model.partition("/")
    if task != stage.task:
        raise UsageError(
            f"a model of the task '{task}' cannot do the stage {name}",
            where=ref,
            remedy=f"name a model of {stage.task}, or another stage",
        )
    others = {other.model for other in STAGES if other.model} - {stage.model}
    if stage.model and any(model.endswith(f"-{other}") for other in others):
        raise UsageError(
            f"{opened.model} does not do the stage {name}",
            where=ref,
            remedy=f"name a model of {stage.task} for {stage.model}s",
        )


def fit(predictor: Predictor, training: Callable[[frozenset[str]], Iterable[Table]]) -> None:
    """Fit a classical algorithm, if it is fitted to anything.

    Args:
        predictor: Of a stage.
        training: Gives tables with some fields of the truth.
    """
    wanted = predictor.needs | predictor.targets
    if not predictor.targets:
        return
    truth = {told: name for name, told in STANDS_FOR.items() if name != "particle"}
    read = frozenset(truth.get(name, name) for name in wanted)

    def tables() -> Iterable[Table]:
        for table in training(read):
            inputs = {name: table[truth[name]] for name in wanted if name in truth}
            yield table.with_columns(inputs)

    predictor.fit(tables())


def _stages_of(ref: str) -> list[str]:
    model = _model_of(ref)
    task, _, name = model.partition("/")
    of_task = [stage for stage in STAGES if stage.task == task]
    named = [stage for stage in of_task if stage.model and name.endswith(f"-{stage.model}")]
    if not of_task:
        raise UsageError(
            f"it is not known which stage '{ref}' is for",
            where=ref,
            remedy=f"write STAGE={ref} with one of {', '.join(stage.name for stage in STAGES)}",
        )
    return [stage.name for stage in named or of_task]


def _model_of(ref: str) -> str:
    """Id of a model, without weights where the text itself is one."""
    id_ = ref.partition("@")[0]
    if id_.partition("/")[0] in {stage.task for stage in STAGES} and not Path(ref).exists():
        return id_
    return str(getattr(load(ref), "model", ""))


def _require_stage(name: str, ref: str) -> None:
    names = [stage.name for stage in STAGES]
    if name not in names:
        raise UsageError(
            f"there is no stage '{name}'", where=ref, remedy=f"one of {', '.join(names)}"
        )


def _require_scheme(opened: Opened, facts: Mapping[str, Any]) -> None:
    trained: Mapping[str, Any] = getattr(opened.predictor, "facts", {}).get("grid", {})
    mine, theirs = trained.get("scheme"), facts.get("grid", {}).get("scheme")
    if mine is not None and mine != theirs:
        raise DataError(
            f"{opened.model} was trained with classes of the scheme '{mine}', the data are of "
            f"'{theirs}'",
            where=opened.ref,
            remedy="name a model that was trained with the same classes",
        )
