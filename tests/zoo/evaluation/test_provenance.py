"""A loss that still falls is seen, and settings that differ are shown side by side."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.contract.figures import Evaluation
from zoo.evaluation.provenance import FALL, loss_fall
from zoo.evaluation.settings import differing


def log(losses: list[float], *, phases: int = 1) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = [{"step": 5, "split": "train", "loss": 99.0}]
    for number, loss in enumerate(losses, start=1):
        for phase in range(phases):
            place = {"step": 10 * number, "split": "validation", "phase": str(phase)}
            lines.append({**place, "loss": loss / phases})
        lines.append({"step": 10 * number, "split": "validation", "phase": "metrics", "E": 1.0})
    return lines


@pytest.mark.parametrize("phases", [1, 2])
def test_the_fall_is_that_of_the_best_loss_in_the_last_fifth(phases: int):
    # 10 validations: the last two are the last fifth. Best before 0.50, best after 0.40.
    falling = [1, 0.9, 0.8, 0.7, 0.6, 0.55, 0.52, 0.50, 0.45, 0.40]
    assert loss_fall(log(falling, phases=phases)) == pytest.approx(0.2)
    assert FALL < 0.2


def test_a_loss_that_is_done_or_rises_does_not_fall():
    assert loss_fall(log([1, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.39])) == pytest.approx(0.025)
    rising = loss_fall(log([1, 0.5, 0.4, 0.4, 0.5, 0.6, 0.6, 0.7, 0.7, 0.8]))
    assert rising is not None
    assert rising < 0


def test_few_validations_tell_nothing():
    assert loss_fall(log([1, 0.5, 0.4, 0.3])) is None
    assert loss_fall([]) is None


def row(*configs: dict[str, Any]) -> Evaluation:
    trainings = tuple({"config": config} for config in configs)
    return Evaluation(model="m", role="model", numbers=(), rows=None, trainings=trainings)


def test_settings_that_differ_between_or_within_models_are_told():
    same = {"lr": 0.1, "widths": [1, 2]}
    evaluations = {
        "one": row({**same, "seed": 1, "only": True}, {**same, "seed": 2, "only": True}),
        "two": row(
            {**same, "seed": 1, "net": {"size": 3}}, {**same, "seed": 2, "net": {"size": 3}}
        ),
        "classical": Evaluation(model="c", role="baseline", numbers=(), rows=None),
    }
    assert differing(evaluations, "config") == {
        "seed": {"one": "1, 2", "two": "1, 2"},
        "only": {"one": "true", "two": ""},
        "net.size": {"one": "", "two": "3"},
    }
    assert differing(evaluations, "environment") == {}
