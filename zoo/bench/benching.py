"""The verb: from what is named to a table of time and memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.artifacts.environment import environment
from zoo.bench.case import Case, Subject
from zoo.bench.cases import EXPORTED, Options, make_cases
from zoo.bench.launch import run_cases
from zoo.bench.results import Bench
from zoo.bench.subjects import Settings, subjects
from zoo.errors import ParityError, UsageError, suggestion

if TYPE_CHECKING:
    from zoo.bench.foreign import Foreign
    from zoo.bench.interfaces import Exporter, Interface

__all__ = ["bench"]


def bench(
    ids: str | Sequence[str] = (),
    *,
    files: Sequence[str | Path] = (),
    trust: bool = False,
    options: Options | None = None,
    settings: Settings | None = None,
    processes: int = 3,
    relative_to: str = "",
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Bench:
    """Measure time and memory, each case in fresh processes.

    Args:
        ids: ``[NAME=]ID[:KEY=VALUE...]``; an id is ``TASK/MODEL``, a run, a snapshot, a model
            file or an exported file.
        files: TOML descriptions of foreign files.
        trust: Whether TorchScript of somebody else may be run.
        options: Conditions; the rows are their product.
        settings: Configuration of the ids.
        processes: Of each row.
        relative_to: Name of the rows, or the id, that ratios refer to; empty: no ratios.
        progress: Is told processes ended, and processes in all.

    Raises:
        UsageError, ConfigError, DataError, PluginError, WeightsError: If an input is wrong.
        KeyboardInterrupt: After Ctrl-C; nothing is left running.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    options = options or Options()
    settings = settings or Settings()
    measured = subjects([ids] if isinstance(ids, str) else ids, settings)
    described = _foreign(files, trust=trust)
    everything = [*measured, *(subject for subject, _ in described)]
    _require_named(everything, relative_to)

    # Torch: only after mistakes in the words have been told.
    from zoo.bench.interfaces import foreign_interface, interface_of

    if options.device != "cpu":
        from zoo.engine.precision import resolve_device

        options = replace(options, device=str(resolve_device(options.device)))
    interfaces = [(subject, interface_of(subject)) for subject in measured]
    interfaces += [
        (subject, foreign_interface(foreign, subject.description)) for subject, foreign in described
    ]
    with tempfile.TemporaryDirectory(prefix="zoo-bench-") as name:
        folder = Path(name)
        cases = _with_files(make_cases(interfaces, options), interfaces, folder)
        rows = run_cases(cases, processes, folder, progress)
    about = environment() | {"load": load}
    return Bench(rows=rows, environment=about, relative_to=relative_to)


def _foreign(files: Sequence[str | Path], *, trust: bool) -> list[tuple[Subject, Foreign]]:
    if not files:
        return []
    from zoo.bench.foreign import read_foreign

    return [read_foreign(Path(file), trust=trust) for file in files]


def _require_named(found: Sequence[Subject], relative_to: str) -> None:
    names = [subject.name for subject in found]
    if not names:
        raise UsageError(
            "nothing to measure", remedy="name at least one id or run, or give --file FILE.toml"
        )
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                "named twice", where=name, remedy="give the rows names of their own: NAME=ID"
            )
    if relative_to and relative_to not in names:
        raise UsageError(
            "no row has this name",
            where=f"--relative-to {relative_to}",
            remedy=suggestion(relative_to, names),
        )


def _with_files(
    cases: Sequence[Case],
    interfaces: Sequence[tuple[Subject, Interface | None]],
    folder: Path,
) -> list[Case]:
    """The cases with the files they need: inputs of their sizes, and exports."""
    from zoo.bench.interfaces import Exporter, write_inputs

    known = {subject.name: interface for subject, interface in interfaces}
    exporter, made = Exporter(folder), list[Case]()
    for case in cases:
        interface = known[case.subject.name]
        if case.reason or interface is None or case.conditions.mode == "training":
            made.append(case)
            continue
        inputs = folder / f"inputs-{len(made)}.safetensors"
        write_inputs(interface, case.conditions.sizes, inputs)
        ready = replace(case, inputs=str(inputs), takes=interface.takes, gives=interface.gives)
        if not case.program and case.conditions.runtime in EXPORTED:
            ready = _exported(ready, exporter)
        made.append(ready)
    return made


def _exported(case: Case, exporter: Exporter) -> Case:
    try:
        return replace(case, program=exporter.export(case), format=case.conditions.runtime)
    except (ParityError, UsageError) as error:
        return replace(case, reason=f"not available: {error.message}")
