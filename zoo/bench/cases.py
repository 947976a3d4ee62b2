"""The rows of a table: the product of the conditions that make sense for each subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from zoo.bench.case import Case, Conditions, Subject
from zoo.bench.interfaces import Interface
from zoo.contract.task import Model
from zoo.errors import UsageError, suggestion
from zoo.registry import registry

__all__ = ["Options", "make_cases"]

EXPORTED = ("onnx", "ts")
"""Runtimes that run a file."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is asked for; every option has one or several values.

    Attributes:
        sizes: Free sizes of the inputs; what is missing is typical.
        batches: Samples of a call; ``None``: typical, of a training step as configured.
    """

    sizes: Sequence[Mapping[str, int]] = ({},)
    batches: Sequence[int | None] = (None,)
    precisions: Sequence[str] = ("fp32",)
    threads: Sequence[int] = (1,)
    onednn: Sequence[str] = ("on",)
    runtimes: Sequence[str] = ("eager",)
    modes: Sequence[str] = ("inference",)
    repeats: int = 5
    device: str = "cpu"


def make_cases(
    interfaces: Sequence[tuple[Subject, Interface | None]], options: Options
) -> list[Case]:
    """Rows in the order of the conditions, all subjects under each; every row once.

    Conditions that mean nothing to a subject are left out of its rows, those that it cannot meet
    make a row with the reason.

    Raises:
        UsageError: If a size has a name that no subject knows.
    """
    _require_known_sizes([interface for _, interface in interfaces], options)
    cases: dict[str, Case] = {}
    for asked in _asked(options):
        for subject, interface in interfaces:
            for case in _cases(subject, interface, asked):
                key = f"{case.subject.name} {case.conditions}"
                cases.setdefault(key, replace(case, repeats=options.repeats))
    return list(cases.values())


def _asked(options: Options) -> Iterator[Conditions]:
    for mode, sizes, batch, threads, precision, runtime, onednn in product(
        options.modes,
        options.sizes,
        options.batches,
        options.threads,
        options.precisions,
        options.runtimes,
        options.onednn,
    ):
        yield Conditions(
            mode=mode,
            runtime=runtime,
            precision=precision,
            threads=threads,
            onednn=onednn,
            device=options.device,
            sizes=sizes if batch is None else {**sizes, "batch": batch},
        )


def _cases(subject: Subject, interface: Interface | None, asked: Conditions) -> Iterator[Case]:
    if subject.kind == "file":
        yield _of_file(subject, interface, asked)
    elif subject.kind == "classical":
        yield _of_algorithm(subject, asked)
    elif asked.mode == "training":
        yield from _of_training(subject, asked)
    else:
        yield _of_inference(subject, interface, asked)


def _of_file(subject: Subject, interface: Interface | None, asked: Conditions) -> Case:
    given = replace(asked, runtime=subject.format)
    if asked.mode == "training":
        return _refused(subject, _only(given), "a file does not train")
    if interface is None:
        return _refused(subject, _only(given), "its plugin does not say what it takes")
    made = _exported(subject, replace(given, sizes=_sizes(interface, asked)))
    return replace(made, program=subject.file, format=subject.format)


def _of_algorithm(subject: Subject, asked: Conditions) -> Case:
    plain = Conditions(mode=asked.mode, threads=asked.threads)
    if asked.mode == "training":
        return _refused(subject, _only(plain), "a classical algorithm has no training step")
    return Case(
        subject=subject,
        conditions=replace(plain, sizes={"batch": asked.sizes.get("batch", 1)}),
    )


def _of_training(subject: Subject, asked: Conditions) -> Iterator[Case]:
    if asked.runtime in EXPORTED:
        yield _refused(subject, _only(asked), "an exported file does not train")
        return
    config = subject.config
    batch = asked.sizes.get("batch", config["training"]["batch"])
    reason = ""
    if asked.runtime == "compiled":
        reason = _why_not_compiled(registry().model(subject.model)[1])
    for phase in config["optimizers"]:
        conditions = replace(asked, phase=phase, sizes={"batch": batch})
        yield (
            _refused(subject, conditions, reason)
            if reason
            else Case(subject=subject, conditions=conditions)
        )


def _of_inference(subject: Subject, interface: Interface | None, asked: Conditions) -> Case:
    if interface is None:
        if asked.runtime in EXPORTED:
            why = "its plugin does not say what to deploy, so it cannot be exported"
            return _refused(subject, _only(asked), why)
        sizes = {"batch": asked.sizes.get("batch", 1)}
        return Case(subject=subject, conditions=replace(asked, sizes=sizes))
    conditions = replace(asked, sizes=_sizes(interface, asked))
    if asked.runtime in EXPORTED:
        return _exported(subject, conditions)
    return Case(subject=subject, conditions=conditions)


def _exported(subject: Subject, conditions: Conditions) -> Case:
    """A case that runs a file, ours or a stranger's."""
    if conditions.device != "cpu":
        return _refused(subject, conditions, "files are run on the CPU")
    if conditions.precision != "fp32":
        return _refused(subject, conditions, "a file computes in the precision it was written in")
    if conditions.runtime != "onnx":
        return Case(subject=subject, conditions=conditions)
    if conditions.onednn == "off":
        return _refused(subject, conditions, "ONNX Runtime has kernels of its own, not oneDNN")
    return Case(subject=subject, conditions=replace(conditions, onednn=""))


def _why_not_compiled(model: Model) -> str:
    if model.second_order:
        return "its learner differentiates twice, which torch.compile cannot"
    return "" if model.compile_safe else "its plugin does not declare torch.compile safe for it"


def _refused(subject: Subject, conditions: Conditions, why: str) -> Case:
    return Case(subject=subject, conditions=conditions, reason=f"not available: {why}")


def _only(conditions: Conditions) -> Conditions:
    """Of conditions that a subject cannot meet, what the reason depends on."""
    return Conditions(
        mode=conditions.mode, runtime=conditions.runtime, device=conditions.device, threads=0
    )


def _sizes(interface: Interface, asked: Conditions) -> dict[str, int]:
    known = interface.names
    sizes = {**interface.typical, **asked.sizes}
    return {name: size for name, size in sizes.items() if name in known}


def _require_known_sizes(interfaces: Sequence[Interface | None], options: Options) -> None:
    known = {"batch"}.union(*(interface.names for interface in interfaces if interface))
    for sizes in options.sizes:
        for name in sizes:
            if name not in known:
                raise UsageError(
                    "no model of this table has such a size",
                    where=f"--size {name}",
                    remedy=suggestion(name, known),
                )
