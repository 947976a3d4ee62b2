"""``zoo train``: train a model, or resume it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from zoo.cli.options import (
    ConfigOption,
    DataOption,
    DeviceOption,
    FromOption,
    JsonOption,
    ModelID,
    OutOption,
    RecipeOption,
    SetOption,
)
from zoo.cli.output import console, emit, table, title
from zoo.contract.refs import resolve as resolve_reference
from zoo.engine.signals import stop_at_once
from zoo.errors import UsageError
from zoo.registry import registry

if TYPE_CHECKING:
    from zoo.config.base import Config
    from zoo.config.layers import Layer, Resolved

__all__ = ["register"]

_PROFILE = Path("profile") / "summary.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train")(_train)


def _train(
    model: ModelID,
    *,
    data: DataOption = "",
    recipe: RecipeOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    start: FromOption = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option("--freeze", metavar="GLOB", help="Parameters that stay: 'net/encoder.*'."),
    ] = None,
    out: OutOption = None,
    device: DeviceOption = "auto",
    max_time: Annotated[
        float | None,
        typer.Option("--max-time", metavar="SECONDS", help="Save and stop then, exit code 75."),
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(
            "--max-memory",
            metavar="SIZE",
            help="Cut each micro-batch so that a process stays below it, as 7GiB; same gradient.",
        ),
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Record a few steps: RUN/profile, and a summary.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would happen; needs no data.")
    ] = False,
    slurm: Annotated[
        Path | None,
        typer.Option("--slurm", metavar="FILE", help="Write a script for sbatch; do not train."),
    ] = None,
    sbatch: Annotated[
        list[str] | None,
        typer.Option(
            "--sbatch",
            metavar="NAME=VALUE",
            help="With --slurm: an option of sbatch, as nodes=2 or time=12:00:00; may be repeated.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model; run the same command again to resume.

    SIGTERM, SIGUSR1 and --max-time save everything and exit with 75.
    """
    _refuse_contradiction(slurm, sbatch, dry_run=dry_run)
    resolved = _resolved(
        model,
        data=data,
        recipe=recipe,
        files=config or [],
        settings=settings or [],
        device=device,
        max_time=max_time,
        max_memory=max_memory,
    )
    if dry_run:
        from zoo.training.preview import preview

        emit(preview(model, resolved), as_json, _render_preview)
        return
    folder = out or Path("runs") / model.replace("/", "-")
    if slurm is not None:
        words = _words(
            ("--data", data),
            ("--recipe", recipe),
            ("--config", *(config or ())),
            ("--set", *(settings or ())),
            ("--from", start),
            ("--freeze", *(freeze or ())),
            ("--out", folder),
            ("--device", "" if device == "auto" else device),
            ("--max-time", max_time),
            ("--max-memory", max_memory),
        )
        command = ["train", model, *words]
        told = _write_slurm(
            slurm, command, sbatch or [], resolved, model=model, out=folder, start=start
        )
        emit(told, as_json, _render_slurm)
        return
    with stop_at_once():  # importing torch takes seconds
        from zoo.engine.distributed import launched_world
        from zoo.training.reporting import ConsoleReporter
        from zoo.training.run import train

        with ConsoleReporter(console()) as reporter:
            run = train(
                model,
                resolved,
                folder,
                start_from=start,
                freeze=freeze or (),
                profile=profile,
                progress=reporter,
            )
    if not launched_world().main:
        return
    told = _summary(run.path, run.model)
    if profile and (run.path / _PROFILE).exists():
        told["profile"] = run.read_json(run.path / _PROFILE)
    emit(told, as_json, _render_summary)


def _resolved(
    model: str,
    *,
    data: str,
    recipe: str | None,
    files: list[Path],
    settings: list[str],
    device: str,
    max_time: float | None,
    max_memory: str | None,
) -> Resolved:
    from zoo.config.layers import environment_layer, file_layer, recipe_layer, resolve, set_layer

    # Without torch: a mistake in the settings is told at once.
    task, spec = registry().model(model)
    layers = [recipe_layer(task.recipes, recipe)] if recipe else []
    layers += [file_layer(path) for path in files]
    layers += [environment_layer(os.environ), *_options(data, device, max_time, max_memory)]
    settings_class = cast("type[Config]", resolve_reference(spec.config))
    return resolve(settings_class, [*layers, set_layer(settings)])


def _options(data: str, device: str, max_time: float | None, max_memory: str | None) -> list[Layer]:
    from zoo.config.layers import Layer
    from zoo.prediction.sources import parse_data

    layers = []
    if data:
        named = parse_data(data)
        layers.append(Layer("--data", {"data": {"source": named.source, "path": named.path}}))
    if device != "auto":
        layers.append(Layer("--device", {"engine": {"device": device}}))
    if max_time is not None:
        layers.append(Layer("--max-time", {"training": {"max_time": max_time}}))
    if max_memory is not None:
        layers.append(Layer("--max-memory", {"engine": {"max_memory": max_memory}}))
    return layers


def _refuse_contradiction(slurm: Path | None, sbatch: list[str] | None, *, dry_run: bool) -> None:
    if sbatch and slurm is None:
        raise UsageError(
            "it says what a script asks for, and none is written",
            where=f"--sbatch {sbatch[0]}",
            remedy="add --slurm FILE",
        )
    if slurm is not None and dry_run:
        raise UsageError(
            "one writes a file, the other nothing",
            where="--slurm, --dry-run",
            remedy="leave one away; --slurm does not train either",
        )


def _words(*options: tuple[object, ...]) -> list[str]:
    """Options as they were given: a name and its values; none, or an empty one: not given."""
    return [
        word
        for name, *values in options
        for v in values
        if v not in (None, "")
        for word in (str(name), str(v))
    ]


def _write_slurm(
    file: Path,
    command: list[str],
    sbatch: list[str],
    resolved: Resolved,
    *,
    model: str,
    out: Path,
    start: str | None,
) -> dict[str, Any]:
    from zoo.launch.checks import check_training
    from zoo.launch.sbatch import plan_job
    from zoo.launch.slurm import Place, slurm_script, write_script

    job = plan_job(sbatch, resolved.config)
    notes = check_training(model, resolved.config, out, start)
    text = slurm_script(
        command,
        job,
        name=model.replace("/", "-"),
        out=out,
        workers=resolved.config.training.workers,
        place=Place(sys.executable, Path.cwd(), os.environ),
    )
    replaced = write_script(file, text)
    (Path.cwd() / out).parent.mkdir(
        parents=True, exist_ok=True
    )  # SLURM makes no folder for its log
    return {
        "file": str(file),
        "replaced": replaced,
        "run": str(out),
        "nodes": job.nodes,
        "processes": job.processes,
        "gpus": job.nodes * job.gpus,
        "sbatch": dict(job.options),
        "command": ["sbatch", str(file)],
        "notes": notes,
    }


def _render_slurm(told: Mapping[str, Any]) -> str:
    asked = ", ".join(f"{name}={v}" if v else name for name, v in told["sbatch"].items())
    verb = "replaced" if told["replaced"] else "wrote"
    lines = [
        f"{verb} {told['file']}: {told['processes']} processes, {told['gpus']} GPUs ({asked})",
        *(f"note: {note}" for note in told["notes"]),
        f"submit it: {shlex.join(told['command'])}",
    ]
    return "\n".join(lines)


def _summary(run: Path, model: Path) -> dict[str, Any]:
    from zoo.artifacts.model_file import read_header

    header = read_header(model)
    return {
        "run": str(run),
        "model": header["model"],
        "file": str(model),
        "step": header["lineage"]["step"],
        "validation": header["metrics"],
    }


def _render_summary(summary: Mapping[str, Any]) -> str:
    numbers = [(name, f"{value:.5g}") for name, value in summary["validation"].items()]
    head = f"{summary['model']}, step {summary['step']}: {summary['file']}"
    return "\n".join([head, table(("validation", ""), numbers)] if numbers else [head])


def _render_preview(told: Mapping[str, Any]) -> str:
    provenance = told["provenance"]
    values = [(path, _at(told["config"], path), origin) for path, origin in provenance.items()]
    memory = [(what, f"{size / 2**20:.1f} MiB") for what, size in told["memory"].items()]
    networks = [(name, f"{count:,}") for name, count in told["networks"].items()]
    blocks = [
        title(told["model"]),
        table(("setting", "value", "from"), values),
        table(("network", "parameters"), networks) if networks else "",
        table(("encoded", "two samples"), list(told["shapes"].items())) if told["shapes"] else "",
        table(("memory", "without activations"), memory),
        *(f"note: {note}" for note in told["notes"]),
    ]
    return "\n\n".join(block for block in blocks if block)


def _at(config: Any, path: str) -> str:
    for key in path.split("."):
        config = config[int(key)] if isinstance(config, list) else config[key]
    return str(config)
