"""A student learns a teacher's answers too; the teacher stays as it is, and must stay the same."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zoo.api import Batch, ConfigError, DataError, Table, UsageError, load
from zoo.artifacts.model_file import read_model, write_model
from zoo.artifacts.run_directory import RunDirectory
from zoo.config.layers import Resolved, resolve, set_layer
from zoo.errors import Interrupted
from zoo.files import file_digest
from zoo.training import train
from zoo.training.parts import find_parts
from zoo_dnn_roi.config import LiteUNetConfig
from zoo_dnn_roi.distillation import divergence
from zoo_dnn_roi.learner import RoiLearner
from zoo_dnn_roi.models.lite_unet import networks

pytestmark = pytest.mark.usefixtures("plugin")

TEACHER, STUDENT = "dnn-roi/lite-unet", "dnn-roi/lite-unet"
SMALL = (
    *("data.source=cosmics", "data.events=4", "data.validation=0", "data.test=0"),
    *("data.options.detector.wires=32", "data.options.detector.ticks=400"),
    *("data.options.detector.drift_length_mm=300", "optimizers.net.lr=0.01"),
    *("training.batch=4", "training.log_every=1", "training.checkpoint_every=1"),
)


class Nowhere:
    """A context: the learner asks nothing of it."""

    step = 0
    phase = "net"


def settings(model: str, assignments: Sequence[str]) -> Resolved:
    return resolve(find_parts(model).config, [set_layer([*SMALL, *assignments])])


def taught(teacher: Path | str, *assignments: str) -> Resolved:
    distill = f"model.distill={{teacher='{teacher}', weight=0.5, temperature=3.0}}"
    small = ("model.widths=[4, 8]", "training.steps=3", distill)
    return settings(STUDENT, [*small, *assignments])


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a wider network."""
    out = tmp_path_factory.mktemp("teacher") / "run"
    return train(TEACHER, settings(TEACHER, ["model.widths=[8, 8]", "training.steps=2"]), out).path


def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 3, 16, 20, generator=generator)
    mask = torch.rand(2, 1, 16, 20, generator=generator) < 0.1
    return Batch({"image": image}, {"mask": mask}, np.arange(2, dtype=np.uint64))


def learner(teacher: Path, **changes: Any) -> RoiLearner:
    distill = {"teacher": str(teacher), "weight": 0.5, "temperature": 3.0}
    return RoiLearner(LiteUNetConfig.model_validate({"distill": distill, **changes}), {})


def test_divergence_is_that_of_two_coins() -> None:
    # p = 1/2 wanted, q = 3/4 given: KL = ln(1/2) - (ln 3/4 + ln 1/4) / 2 = ln(4/3) / 2.
    given, wanted = torch.tensor([math.log(3)]), torch.zeros(1)
    assert divergence(given, wanted, 1.0).item() == pytest.approx(math.log(4 / 3) / 2)
    # At temperature 2 the same odds need logits twice as large, and the term counts four times.
    twice = divergence(2 * given, wanted, 2.0).item()
    assert twice == pytest.approx(4 * math.log(4 / 3) / 2)
    same = torch.randn(5, generator=torch.Generator().manual_seed(1))
    assert divergence(same, same, 2.0).item() == pytest.approx(0, abs=1e-6)


def test_the_students_loss_has_the_term_and_the_teacher_does_not_move(teacher: Path) -> None:
    torch.manual_seed(0)
    nets, pupil, given = networks(LiteUNetConfig(widths=(4, 8)), {}), learner(teacher), batch()
    loss = pupil.loss(nets, given, Nowhere())  # type: ignore[arg-type]  # enough of a context
    term = loss.terms["distill"]
    assert (term.weight, term.count, term.per) == (0.5, 2 * 16 * 20, "bce")
    trained: Any = load(teacher)
    with torch.no_grad():
        wanted = trained.networks["net"].eval()(**given.inputs)
        expected = divergence(nets["net"](**given.inputs), wanted, 3.0)
    assert term.total.item() == pytest.approx(expected.item(), rel=1e-5)

    optimizer = torch.optim.SGD(nets["net"].parameters(), lr=0.1)
    start = term.total.item()
    for _ in range(20):
        optimizer.zero_grad()
        total = pupil.loss(nets, given, Nowhere()).terms["distill"].total  # type: ignore[arg-type]
        (total / term.count).backward()  # type: ignore[no-untyped-call]  # untyped there
        optimizer.step()
    assert total.item() < 0.8 * start  # it learns from that term alone
    opened = pupil._teacher()
    assert opened is not None
    assert not opened._net.training
    for name, value in opened._net.state_dict().items():
        assert torch.equal(value, trained.networks["net"].state_dict()[name])


def test_without_a_teacher_nothing_changes() -> None:
    torch.manual_seed(0)
    config = LiteUNetConfig(widths=(4, 8))
    found = RoiLearner(config, {}).loss(networks(config, {}), batch(), Nowhere())  # type: ignore[arg-type]
    assert set(found.terms) == {"bce", "dice"}
    assert RoiLearner(config, {}).upstream() == ()


def test_the_teacher_is_no_part_of_the_student(teacher: Path) -> None:
    pupil = learner(teacher)
    assert pupil.upstream()
    assert list(pupil.parameters()) == []
    assert pupil.state_dict() == {}


def test_it_is_recorded_and_a_resumed_training_needs_the_same(
    teacher: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "teacher"
    shutil.copytree(teacher, mine)
    out, whole = tmp_path / "stopped", tmp_path / "whole"
    with pytest.raises(Interrupted):
        train(STUDENT, taught(mine, "training.max_time=0.000001"), out)
    file = mine / "model.safetensors"
    expected = [{"model": TEACHER, "file": file.name, "sha256": file_digest(file)}]
    assert json.loads((out / "data.json").read_text())["upstream"] == expected

    kept = tmp_path / "kept"
    shutil.copy(file, kept)
    record = read_model(file)
    name = min(name for name in record.tensors if name.startswith("networks/"))
    changed = {**record.tensors, name: record.tensors[name] + np.float32(1)}
    write_model(file, replace(record, tensors=changed))
    with pytest.raises(DataError, match=f"upstream model {TEACHER} has changed"):
        train(STUDENT, taught(mine), out)

    shutil.copy(kept, file)
    resumed, once = train(STUDENT, taught(mine), out), train(STUDENT, taught(mine), whole)
    assert resumed.model.read_bytes() == once.model.read_bytes()
    assert read_model(once.model).lineage["upstream"] == expected
    assert all("distill" in row for row in RunDirectory.open(whole).metrics() if "bce" in row)

    # Only a training needs it.
    shutil.rmtree(mine)
    samples = two_planes()
    assert load(whole).predict(samples)["charge"].shape == samples["decon_charge"].shape


def two_planes() -> Table:
    rng = np.random.default_rng(0)
    shape = (2, 32, 400)
    waveform = rng.normal(0, 100, shape).astype(np.float32)
    mask = np.zeros(shape, np.uint8)
    fields: dict[str, Any] = {
        "loose_lf": waveform,
        "decon_charge": waveform,
        "mp2": mask,
        "mp3": mask,
    }
    return Table({"id": np.arange(2, dtype=np.uint64), **fields})


def test_bad_teachers_are_refused_with_a_remedy(teacher: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such id, run directory or model file"):
        learner(tmp_path / "gone").upstream()
    other = learner(teacher, inputs=("loose_lf", "gauss"))
    with pytest.raises(ConfigError, match="trained with inputs = ") as told:
        other.upstream()
    assert "model.inputs" in told.value.remedy
    with pytest.raises(ConfigError, match=r"rebin = 10, not with 4"):
        learner(teacher, rebin=4).upstream()
    with pytest.raises(ConfigError, match="no trained network of dnn-roi") as told:
        learner(Path("dnn-roi/traditional")).upstream()
    assert told.value.where == "model.distill.teacher"
