"""The loop: stops at any place and goes on with the same bits."""

from __future__ import annotations

import math
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from zoo.config.run import TrainingConfig
from zoo.engine.loop import Loop
from zoo.engine.modes import training_mode
from zoo.engine.phases import count_phases
from zoo.engine.plan import Updates
from zoo.errors import ConfigError, Interrupted, NonFiniteError, WeightsError


@pytest.fixture
def uninterrupted(tiny: ModuleType, tmp_path: Path) -> Callable[..., str]:
    """The fingerprint of a training that nobody disturbs."""

    def run(**settings: Any) -> str:
        folder = tmp_path / "undisturbed"
        folder.mkdir()
        loop: Loop = tiny.tiny_loop(folder, **settings)
        loop.run()
        fingerprint: str = tiny.fingerprint(loop)
        return fingerprint

    return run


def test_it_trains(tiny: ModuleType, tmp_path: Path) -> None:
    loop = tiny.tiny_loop(tmp_path, steps=120)
    assert not loop.resume()
    loop.run()
    values = [row["loss"] for row in loop.hooks.rows() if row["split"] == "validation"]
    assert values[-1] < 0.5 * values[0]
    assert loop.best.value == min(values)
    assert loop.finished


def test_the_same_training_twice(tiny: ModuleType, tmp_path: Path, uninterrupted: Any) -> None:
    loop = tiny.tiny_loop(tmp_path)
    loop.run()
    assert tiny.fingerprint(loop) == uninterrupted()


def test_lines_of_the_log(tiny: ModuleType, tmp_path: Path) -> None:
    loop = tiny.tiny_loop(tmp_path, steps=10)
    loop.run()
    train = [row for row in loop.hooks.rows() if row["split"] == "train"]
    # Phases repeat generator, generator, critic; lines after steps 4, 8 and the last, 10.
    assert [(row["step"], row["phase"], row["updates"]) for row in train] == [
        (4, "generator", 3),
        (4, "critic", 1),
        (8, "generator", 3),
        (8, "critic", 1),
        (10, "critic", 1),
        (10, "generator", 1),
    ]
    first = train[0]
    assert first["loss"] == pytest.approx(first["shape"] + 0.3 * first["chosen"])
    assert {"lr", "gradient_norm", "seconds", "epoch", "size"} <= first.keys()
    # Three updates an epoch of five micro-batches in twos.
    assert [row["epoch"] for row in train[::2]] == [1, 2, 3]


@pytest.mark.parametrize("accumulate", [1, 2, "epoch"])
def test_stopped_at_every_pause(
    tiny: ModuleType, tmp_path: Path, uninterrupted: Any, accumulate: Any
) -> None:
    settings = {"accumulate": accumulate, "steps": 6, "validate_every": 2, "log_every": 2}
    updates = Updates(tiny.MICRO_PER_EPOCH, accumulate)
    for _ in range(sum(updates.micro_count(step) for step in range(6))):
        # No time at all: every call does one micro-batch, and what was put off.
        loop = tiny.tiny_loop(tmp_path, max_time=1e-9, **settings)
        loop.resume()
        assert not loop.finished
        with pytest.raises(Interrupted):
            loop.run()
    loop = tiny.tiny_loop(tmp_path, **settings)
    loop.resume()
    loop.run()
    assert tiny.fingerprint(loop) == uninterrupted(**settings)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_finishes_saves_and_resumes(
    tiny: ModuleType, tmp_path: Path, uninterrupted: Any, number: signal.Signals
) -> None:
    loop = tiny.tiny_loop(tmp_path)
    original = loop.hooks.progress
    loop.hooks.progress = lambda step, _: os.kill(os.getpid(), number) if step == 10 else None
    handler = signal.getsignal(number)
    with pytest.raises(Interrupted, match=f"step 10 .{number.name}"):
        loop.run()
    assert signal.getsignal(number) is handler
    # The validation of step 10 was put off.
    assert [r["step"] for r in loop.hooks.rows() if r["split"] == "validation"] == [5]
    resumed = tiny.tiny_loop(tmp_path)
    assert resumed.resume()
    assert resumed.step == 10
    resumed.hooks.progress = original
    resumed.run()
    assert tiny.fingerprint(resumed) == uninterrupted()


def test_control_c_saves_too(tiny: ModuleType, tmp_path: Path) -> None:
    loop = tiny.tiny_loop(tmp_path)
    loop.hooks.progress = lambda step, _: os.kill(os.getpid(), signal.SIGINT) if step == 4 else None
    with pytest.raises(KeyboardInterrupt):
        loop.run()
    resumed = tiny.tiny_loop(tmp_path)
    assert resumed.resume()
    assert resumed.step == 4


def test_a_stop_during_the_validation_repeats_it(
    tiny: ModuleType, tmp_path: Path, uninterrupted: Any
) -> None:
    loop = tiny.tiny_loop(tmp_path)
    validate = loop.hooks.validate

    def interrupted(step: int, seconds: float, stop: Callable[[], bool]) -> Any:
        if step == 15:
            os.kill(os.getpid(), signal.SIGTERM)
        return validate(step, seconds, stop)

    loop.hooks.validate = interrupted
    with pytest.raises(Interrupted):
        loop.run()
    resumed = tiny.tiny_loop(tmp_path)
    resumed.resume()
    resumed.run()
    assert tiny.fingerprint(resumed) == uninterrupted()


def test_killed_at_random_instants(
    tiny: ModuleType, tmp_path: Path, uninterrupted: Any, fork: Callable[[Callable[[], None]], int]
) -> None:
    """kill -9, most often while a checkpoint is written: there is one at every pause."""
    settings = {"accumulate": 2, "steps": 120, "validate_every": 7, "log_every": 5}
    seed = 20261122
    chance = random.Random(seed)
    wanted = uninterrupted(**settings)  # first: it imports what torch loads on use

    def work() -> None:
        loop = tiny.tiny_loop(tmp_path, checkpoint_seconds=1e-9, **settings)
        loop.resume()
        loop.run()

    kills = 0
    for _ in range(200):
        child = fork(work)
        # Short at first, so that no machine is too fast; ever longer, so that a slow one arrives.
        deadline = time.monotonic() + chance.uniform(0.02, 0.1 * 1.05**kills)
        done, status = 0, 0
        while not done and time.monotonic() < deadline:
            done, status = os.waitpid(child, os.WNOHANG)
            time.sleep(0.001)
        if not done:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        kills += 1
    assert kills >= 5, f"seed {seed}: too fast to be killed"
    final = tiny.tiny_loop(tmp_path, **settings)
    assert final.resume()
    assert final.finished
    assert final.hooks.messages == []  # no checkpoint was ever seen damaged
    assert tiny.fingerprint(final) == wanted


def test_a_damaged_checkpoint_costs_time_only(
    tiny: ModuleType, tmp_path: Path, uninterrupted: Any
) -> None:
    loop = tiny.tiny_loop(tmp_path, checkpoint_every=5)
    loop.hooks.progress = lambda step, _: (
        os.kill(os.getpid(), signal.SIGTERM) if step == 13 else None
    )
    with pytest.raises(Interrupted):
        loop.run()
    newest = tmp_path / "checkpoints" / "000000013-000000" / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    resumed = tiny.tiny_loop(tmp_path, checkpoint_every=5)
    assert resumed.resume()
    assert resumed.step == 10
    assert "damaged" in resumed.hooks.messages[0]
    resumed.run()
    assert tiny.fingerprint(resumed) == uninterrupted()


def test_a_checkpoint_of_other_networks_is_refused(tiny: ModuleType, tmp_path: Path) -> None:
    tiny.tiny_loop(tmp_path, steps=2).run()
    loop = tiny.tiny_loop(tmp_path, steps=2)
    loop.networks["generator"] = torch.nn.Linear(2, 2)
    with pytest.raises(WeightsError, match="does not fit"):
        loop.resume()


def test_a_non_finite_loss_names_step_and_samples_and_keeps_the_checkpoint(
    tiny: ModuleType, tmp_path: Path
) -> None:
    # Three updates an epoch: micro-batch 13 is the second of update 7 (numbers 12, 13).
    loop = tiny.tiny_loop(tmp_path, diverges_at=13, checkpoint_every=5)
    with pytest.raises(NonFiniteError) as caught:
        loop.run()
    assert caught.value.exit_code == 7
    assert caught.value.where == "step 7, phase 'generator'"
    assert "nonfinite.json" in caught.value.remedy
    (record,) = loop.hooks.records
    assert (record["step"], record["epoch"], record["phase"]) == (7, 2, "generator")
    assert record["ids"] == [f"{int(i):016x}" for i in tiny.tiny_batch(13).ids]
    resumed = tiny.tiny_loop(tmp_path)
    assert resumed.resume()
    assert resumed.step == 5


def test_early_stopping_and_the_best(tiny: ModuleType, tmp_path: Path) -> None:
    loop = tiny.tiny_loop(tmp_path, steps=100, patience=2)
    given = {5: 3.0, 10: 1.0, 15: math.nan, 20: 2.0, 25: 0.0}
    loop.hooks.values = given.__getitem__
    loop.run()
    assert loop.step == 20
    assert loop.finished
    assert (loop.best.step, loop.best.value) == (10, 1.0)
    again = tiny.tiny_loop(tmp_path, steps=100, patience=2)
    again.resume()
    assert again.finished
    assert again.best.step == 10


def test_the_best_is_the_average_of_its_step(tiny: ModuleType, tmp_path: Path) -> None:
    loop = tiny.tiny_loop(tmp_path, steps=10)
    loop.hooks.values = {5: 2.0, 10: 1.0}.__getitem__
    loop.run()
    for name, network in loop.networks.items():
        for key, _ in network.named_parameters():
            assert torch.equal(loop.best.networks[name][key], loop.ema.means[name][key])


def test_snapshots(tiny: ModuleType, tmp_path: Path) -> None:
    loop = tiny.tiny_loop(tmp_path, steps=10, snapshot_every=4)
    loop.run()
    assert loop.hooks.snapshots == [4, 8]


def test_updates_never_span_epochs() -> None:
    updates = Updates(5, 2)
    assert updates.steps_per_epoch == 3
    assert [updates.micro_count(step) for step in range(6)] == [2, 2, 1, 2, 2, 1]
    assert [updates.first(step) for step in range(6)] == [0, 2, 4, 5, 7, 9]
    assert [updates.epoch(step) for step in range(6)] == [0, 0, 0, 1, 1, 1]
    whole = Updates(5, "epoch")
    assert (whole.steps_per_epoch, whole.micro_count(3), whole.first(3)) == (1, 5, 15)
    assert whole.steps(TrainingConfig(epochs=4)) == 4
    assert updates.steps(TrainingConfig(steps=4)) == 4


def test_phases_are_counted_and_must_have_an_optimizer(tiny: ModuleType) -> None:
    learner = tiny.TinyLearner()
    assert count_phases(learner, 10, tiny.OPTIMIZERS) == {"generator": 7, "critic": 3}
    with pytest.raises(ConfigError, match="'critic' has no optimizer"):
        count_phases(learner, 10, {"generator": None, "crittic": None})


def test_frozen_normalisation_stays_in_evaluation_mode() -> None:
    body = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2), torch.nn.Dropout())
    body[1].requires_grad_(False)
    training_mode({"net": body})
    assert [module.training for module in body] == [True, False, True]
