"""Learning rates against torch's schedulers and closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from zoo.config.run import ScheduleConfig
from zoo.engine.schedules import Plateau, Progress, schedule_factor

TOTAL = 40


def factors(schedule: ScheduleConfig, count: int = TOTAL, per_epoch: float = 8) -> list[float]:
    at = [Progress(n, TOTAL, int(n // per_epoch), per_epoch) for n in range(count)]
    return [schedule_factor(schedule, place) for place in at]


def reference(
    make: Callable[[torch.optim.Optimizer], LRScheduler], count: int = TOTAL
) -> list[float]:
    rule = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(rule)
    found = []
    for _ in range(count):
        found.append(float(rule.param_groups[0]["lr"]))
        rule.step()
        scheduler.step()
    return found


def test_cosine_is_torchs() -> None:
    found = factors(ScheduleConfig(kind="cosine", final=0.1))
    wanted = reference(lambda rule: lr_scheduler.CosineAnnealingLR(rule, TOTAL, eta_min=0.1))
    assert found == pytest.approx(wanted, abs=1e-12)


def test_linear_is_torchs() -> None:
    found = factors(ScheduleConfig(kind="linear", final=0.2))
    wanted = reference(lambda rule: lr_scheduler.LinearLR(rule, 1.0, 0.2, TOTAL))
    assert found == pytest.approx(wanted, abs=1e-12)


def test_step_is_torchs() -> None:
    found = factors(ScheduleConfig(kind="step", every=7, factor=0.5))
    assert found == pytest.approx(reference(lambda rule: lr_scheduler.StepLR(rule, 7, 0.5)))


def test_exponential_is_torchs() -> None:
    found = factors(ScheduleConfig(kind="exponential", factor=0.9))
    assert found == pytest.approx(reference(lambda rule: lr_scheduler.ExponentialLR(rule, 0.9)))


def test_epochs_count_for_steps_and_exponents() -> None:
    found = factors(ScheduleConfig(kind="step", every=2, factor=0.5, unit="epoch"))
    # Eight updates an epoch: 0.5 after two epochs, 0.25 after four.
    assert found == [1.0] * 16 + [0.5] * 16 + [0.25] * 8
    assert factors(ScheduleConfig(kind="exponential", factor=0.5, unit="epoch"))[::8] == [
        1.0,
        0.5,
        0.25,
        0.125,
        0.0625,
    ]


def test_warmup_rises_to_the_rate_and_the_law_begins_there() -> None:
    found = factors(ScheduleConfig(kind="cosine", warmup=4))
    assert found[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    # Half way between the warm-up's end and the last update: (1 + cos(pi / 2)) / 2.
    assert found[22] == pytest.approx(0.5)
    assert factors(ScheduleConfig(kind="constant", warmup=1, unit="epoch"))[:9] == pytest.approx(
        [n / 8 for n in range(1, 9)] + [1.0]
    )


def test_cosine_stays_at_its_end() -> None:
    beyond = Progress(TOTAL + 10, TOTAL, 0, 8)
    assert schedule_factor(ScheduleConfig(kind="cosine", final=0.3), beyond) == pytest.approx(0.3)


def test_plateau_is_torchs() -> None:
    schedule = ScheduleConfig(kind="plateau", patience=1, factor=0.5)
    values = [3.0, 2.0, 2.5, 2.5, 2.5, 1.0, 1.5, 1.5, 1.5, 1.5]
    rule = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(rule, factor=0.5, patience=1, threshold=0.0)
    plateau = Plateau()
    for value in values:
        scheduler.step(value)
        plateau.observe(value, schedule)
        assert plateau.factor == pytest.approx(rule.param_groups[0]["lr"])
    assert plateau.factor == pytest.approx(0.125)
    assert Plateau(**plateau.state()) == plateau  # type: ignore[arg-type]  # JSON


def test_plateau_counts_nan_as_no_improvement_and_other_kinds_ignore_it() -> None:
    plateau = Plateau()
    for _ in range(3):
        plateau.observe(math.nan, ScheduleConfig(kind="plateau", patience=0, factor=0.5))
    assert plateau.factor < 1
    constant = Plateau()
    constant.observe(1.0, ScheduleConfig())
    assert constant == Plateau()
