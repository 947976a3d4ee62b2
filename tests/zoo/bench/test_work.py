"""What is timed: inference, training steps and classical algorithms of the miniatures."""

from __future__ import annotations

import pytest
import torch

from zoo.bench.case import Case, Conditions, NotAvailable
from zoo.bench.measure import measure
from zoo.bench.models import load_networks
from zoo.bench.subjects import Settings, subjects
from zoo.bench.work import Work, prepare
from zoo.errors import DataError


def work(
    id_: str, mode: str = "inference", phase: str = "", batch: int = 3, *settings: str
) -> Work:
    recipe = "quick" if mode == "training" else None
    (subject,) = subjects([id_], Settings(recipe=recipe, assignments=settings))
    conditions = Conditions(
        mode=mode,
        phase=phase,
        runtime="eager",
        precision="fp32",
        onednn="on",
        sizes={"batch": batch},
    )
    return prepare(Case(subject=subject, conditions=conditions))


def test_without_a_deploy_the_learner_predicts_samples():
    found = measure(work("mini-points/neighbour-net"), 1)
    assert found.inputs  # an encoded batch: rows are the voxels of three events
    assert found.multiply_adds
    (subject,) = subjects(["mini-points/neighbour-net"], Settings())
    nets = load_networks(subject).networks
    assert found.parameters == sum(p.numel() for n in nets.values() for p in n.parameters())


@pytest.mark.parametrize("phase", ["critic", "constrainer", "generator"])
def test_a_training_step_of_each_phase(phase: str):
    found = measure(work("mini-gan/wgan-lo", "training", phase, 4), 1)
    assert len(found.wall) == 1
    assert found.operator is None or found.operator.name.startswith("aten.")
    assert found.inputs["latent"][0] == 4


def test_a_phase_that_never_comes():
    with pytest.raises(NotAvailable, match="drives 'nobody'"):
        work("mini-gan/wgan-lo", "training", "nobody")


def test_a_step_changes_the_parameters_that_it_drives():
    step = work("mini-track/pad-net", "training", "net", 5)
    (network,) = _networks_of(step)
    before = [p.detach().clone() for p in network.parameters()]
    for _ in range(3):  # the schedule begins at a rate of zero
        step.call()
    after = list(network.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_training_step_tells_what_it_keeps():
    single = measure(work("mini-track/pad-net", "training", "net", 5), 1).kept
    double = measure(work("mini-track/pad-net", "training", "net", 10), 1).kept
    assert single
    assert double
    assert (single.terms, double.terms) == (5, 10)
    assert double.bytes == pytest.approx(2 * single.bytes, rel=0.01)
    assert measure(work("mini-track/pad-net"), 1).kept is None


def test_a_training_step_computes_by_chunks():
    whole = measure(work("mini-light/siren", "training", "net", 3), 1).kept
    chunks = ("engine.chunk=16",)
    parts = measure(work("mini-light/siren", "training", "net", 3, *chunks), 1).kept
    assert whole
    assert parts
    assert parts.terms == whole.terms
    assert parts.bytes < whole.bytes / 4


def test_a_step_has_the_memory_format_of_the_training():
    step = work("mini-track/pad-net", "training", "net", 5, "engine.channels_last=true")
    (network,) = _networks_of(step)
    weight = network.get_parameter("body.3.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not weight.is_contiguous()
    step.call()


def test_accumulation_makes_a_step_of_several_batches():
    settings = ("training.accumulate=3",)
    single = measure(work("mini-track/pad-net", "training", "net", 4), 1)
    several = measure(work("mini-track/pad-net", "training", "net", 4, *settings), 1)
    assert single.multiply_adds
    assert several.multiply_adds == 3 * single.multiply_adds


def test_a_classical_algorithm_is_timed_on_samples():
    found = measure(work("mini-track/centroid"), 2)
    assert found.inputs["pads"][0] == 3
    assert (found.parameters, found.operator) == (None, None)


def test_a_field_that_the_samples_lack_is_a_reason():
    with pytest.raises(NotAvailable, match="needs drift_time"):
        work("mini-track/diffusion-fit", "inference", "", 3, "data.source=untimed")


def test_too_few_samples():
    with pytest.raises(DataError, match="are needed"):
        work("mini-track/pad-net", "training", "net", 50, "data.events=10")


def _networks_of(step: Work) -> list[torch.nn.Module]:
    """The networks that the step's own count looks at."""
    cells = [cell.cell_contents for cell in step.parameters.__closure__ or ()]  # type: ignore[attr-defined]
    (networks,) = [value for value in cells if isinstance(value, dict)]
    return list(networks.values())
