"""``zoo data``: make, check and convert samples; public data sets."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo import __version__
from zoo.cli import data_cards
from zoo.cli.options import DataOption, JsonOption, SetOption
from zoo.cli.output import emit, table, title
from zoo.cli.progress import counted, progress_bar
from zoo.cli.samples import data_section
from zoo.errors import DataError

if TYPE_CHECKING:
    from zoo.config.run import DataConfig
    from zoo.data.checks import Check
    from zoo.data.store import TableFile

__all__ = ["register"]

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="Name of the task.")]
FileOption = Annotated[Path, typer.Option("--out", metavar="FILE.h5", help="The file to write.")]
data_app = typer.Typer(
    no_args_is_help=True, help="Make, check and convert samples; fetch public data sets."
)
data_cards.register(data_app)


def register(app: typer.Typer) -> None:
    """Add the command group."""
    app.add_typer(data_app, name="data")


@data_app.command()
def simulate(
    task: TaskArgument,
    *,
    data: Annotated[str, typer.Option("--data", metavar="SIMULATOR", help="The simulator.")],
    events: Annotated[int, typer.Option(min=1, help="How many events.")],
    out: FileOption,
    seed: Annotated[int, typer.Option(min=0, help="Which events: seeds are independent.")] = 0,
    settings: SetOption = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one per core.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Simulate events into a file. Interrupted or killed, the same command goes on."""
    _one_thread()
    from zoo.data.simulate import simulate_file
    from zoo.prediction.sources import make_simulator, sample_specs

    sets = [*(settings or ()), f"data.events={events}", f"data.seed={seed}"]
    config = data_section(data, sets)
    simulator = make_simulator(task, config)
    arguments = ["--events", str(events), "--seed", str(seed)]
    about = _about(
        "simulate", task, data=data, settings=settings, config=config, arguments=arguments
    )
    with progress_bar("simulating") as bar:
        file = simulate_file(
            simulator,
            sample_specs(task),
            out,
            task=task,
            seed=seed,
            events=events,
            about=about,
            workers=workers or _cores(),
            progress=counted(bar, events * simulator.samples_per_key),
        )
    emit(_describe(file), as_json, _render_file)


@data_app.command()
def convert(
    task: TaskArgument,
    data: DataOption,
    out: FileOption,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the samples of any source into a file that zoo reads fast."""
    from zoo.data.convert import convert_file
    from zoo.prediction.sources import open_source, sample_specs

    config = data_section(data, settings or ())
    source = open_source(task, config)
    about = _about("convert", task, data=data, settings=settings, config=config)
    total = sum(block.rows for block in source.blocks())
    with progress_bar("converting") as bar:
        file = convert_file(
            source,
            sample_specs(task),
            out,
            task=task,
            about=about,
            progress=counted(bar, total),
        )
    emit(_describe(file), as_json, _render_file)


@data_app.command()
def check(
    task: TaskArgument,
    data: DataOption,
    settings: SetOption = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Look at so many samples.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell whether samples are what the task declares; exit code 4 if they are not."""
    from zoo.data.checks import check_source
    from zoo.prediction.sources import open_source, sample_specs

    source = open_source(task, data_section(data, settings or ()))
    checked = check_source(source, sample_specs(task), limit)
    emit(_payload(checked), as_json, _render_check)
    if checked.errors:
        raise typer.Exit(DataError.exit_code)


def _about(
    verb: str,
    task: str,
    *,
    data: str,
    settings: Sequence[str] | None,
    config: DataConfig,
    arguments: Sequence[str] = (),
) -> dict[str, Any]:
    """What a file tells of its origin; nothing that differs between two equal files."""
    from zoo.config.run import NOT_SAMPLES
    from zoo.prediction.sources import source_options
    from zoo.registry import registry

    plugin = registry().owner(task)
    sets = [part for setting in settings or () for part in ("--set", setting)]
    return {
        "command": shlex.join(["zoo", "data", verb, task, "--data", data, *arguments, *sets]),
        "source": config.model_dump(mode="json", exclude=set(NOT_SAMPLES)),
        "options": source_options(task, config),
        "zoo": __version__,
        "plugin": f"{plugin.distribution or plugin.name} {plugin.version}".strip(),
    }


def _describe(file: TableFile) -> dict[str, Any]:
    return {
        "file": str(file.path),
        "task": file.task,
        "rows": file.rows,
        "blocks": len(file.blocks()),
        "fields": sorted(file.fields),
        "bytes": file.path.stat().st_size,
        "digest": file.digest,
    }


def _render_file(payload: Mapping[str, Any]) -> str:
    size = f"{payload['bytes'] / 1e6:.1f} MB"
    return (
        f"{payload['file']}: {payload['rows']} samples of {payload['task']} in "
        f"{payload['blocks']} blocks, {size}\n"
        f"fields: {', '.join(payload['fields'])}\ndigest: {payload['digest']}"
    )


def _payload(checked: Check) -> dict[str, Any]:
    from dataclasses import asdict

    return {"ok": not checked.errors, **asdict(checked)}


def _render_check(payload: Mapping[str, Any]) -> str:
    counts = f"{payload['rows']} samples, {payload['groups']} groups, {payload['blocks']} blocks"
    headers = ("field", "row", "dtype", "unit", "minimum", "mean", "maximum")
    numbers = ("minimum", "mean", "maximum")
    ranges = [
        (r["field"], tuple(r["shape"]), r["dtype"], r["unit"], *(f"{r[n]:.5g}" for n in numbers))
        for r in payload["ranges"]
    ]
    found = [
        (f["severity"], f["field"], ". ".join(t for t in (f["problem"], f["remedy"]) if t))
        for f in payload["findings"]
    ]
    parts = [counts, table(headers, ranges)] if ranges else [counts]
    parts.append(f"{title('Findings')}\n{table(('', '', ''), found)}" if found else "No findings.")
    return "\n\n".join(parts)


def _one_thread() -> None:
    """One thread per process, before numpy is loaded: sums then do not depend on the machine."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
