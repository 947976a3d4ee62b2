"""What is known of a network that is judged: how it was trained, on what, and whether it was done.

A network whose loss still falls is not what its architecture can do. Its validation loss of the
last fifth of the training is compared with that of before: if the best of it is lower by more than
:data:`FALL`, the training ended too early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.artifacts.run_directory import RunDirectory, parse_run
from zoo.config.toml import read_toml
from zoo.contract.predictor import Predictor
from zoo.evaluation.naming import Reference

__all__ = ["FALL", "loss_fall", "provenance"]

FALL = 0.05
"""Relative; also the margin within which two models count as no worse than one another."""

_LAST = 0.8  # the share of a training before its last fifth


def provenance(ref: Reference, predictor: Predictor) -> dict[str, Any]:
    """JSON values about one network; of a run also its configuration, surroundings and progress.

    Args:
        ref: As the user named it.
        predictor: What was loaded.
    """
    info: Mapping[str, Any] = getattr(predictor, "info", {})
    found: dict[str, Any] = {
        "model": getattr(predictor, "model", ""),
        **{name: info[name] for name in ("file", "sha256", "lineage") if name in info},
    }
    folder, step = parse_run(str(ref)) if isinstance(ref, str | Path) else (Path(), None)
    if not RunDirectory.is_run(folder):
        return found
    run = RunDirectory.open(folder)
    found["config"] = read_toml(run.config)
    found["environment"] = run.read_json(run.environment)
    if step is None:
        found["loss_fall"] = loss_fall(run.metrics())
        found["under_trained"] = bool((found["loss_fall"] or 0.0) > FALL)
    return found


def loss_fall(log: Sequence[Mapping[str, Any]]) -> float | None:
    """Relative fall of the best validation loss in the last fifth of a training.

    Args:
        log: Lines of ``metrics.jsonl``.

    Returns:
        ``None`` where fewer than five validations tell.
    """
    losses: dict[int, float] = {}
    for line in log:
        if line.get("split") == "validation" and line.get("loss") is not None:
            losses[line["step"]] = losses.get(line["step"], 0.0) + line["loss"]  # over phases
    if len(losses) < 5:
        return None
    border = _LAST * max(losses)
    before = min(loss for step, loss in losses.items() if step <= border)
    last = min((loss for step, loss in losses.items() if step > border), default=before)
    return (before - last) / abs(before) if before else 0.0
