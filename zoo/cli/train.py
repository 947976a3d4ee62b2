"""``zoo train``: train a model, or resume it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from zoo.cli.job import refuse_contradiction, render_job, write_job
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
from zoo.cli.pulling import pull_named
from zoo.contract.refs import resolve as resolve_reference
from zoo.engine.signals import stop_at_once
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
    refuse_contradiction(slurm, sbatch, dry_run=dry_run)
    asked = _Asked(
        model=model,
        data=data,
        recipe=recipe,
        files=tuple(config or ()),
        settings=tuple(settings or ()),
        start=start,
        freeze=tuple(freeze or ()),
        out=out or Path("runs") / model.replace("/", "-"),
        device=device,
        max_time=max_time,
        max_memory=max_memory,
    )
    if dry_run:
        from zoo.training.preview import preview

        emit(preview(model, asked.resolved()), as_json, _render_preview)
    elif slurm is not None:
        job = write_job(
            slurm,
            asked.words(),
            sbatch or [],
            asked.resolved(),
            model=model,
            out=asked.out,
            start=start,
        )
        emit(job, as_json, render_job)
    else:
        _run(asked, profile=profile, as_json=as_json)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A training as the command line has it."""

    model: str
    data: str
    recipe: str | None
    files: Sequence[Path]
    settings: Sequence[str]
    start: str | None
    freeze: Sequence[str]
    out: Path
    device: str
    max_time: float | None
    max_memory: str | None

    def resolved(self) -> Resolved:
        """The whole configuration. Without torch: a mistake in the settings is told at once."""
        from zoo.config.layers import (
            environment_layer,
            file_layer,
            recipe_layer,
            resolve,
            set_layer,
        )

        task, spec = registry().model(self.model)
        layers = [recipe_layer(task.recipes, self.recipe)] if self.recipe else []
        layers += [file_layer(path) for path in self.files]
        layers += [environment_layer(os.environ), *self._options()]
        settings_class = cast("type[Config]", resolve_reference(spec.config))
        return resolve(settings_class, [*layers, set_layer(list(self.settings))])

    def words(self) -> list[str]:
        """The command again, without the program."""
        options = (
            ("--data", self.data),
            ("--recipe", self.recipe),
            ("--config", *self.files),
            ("--set", *self.settings),
            ("--from", self.start),
            ("--freeze", *self.freeze),
            ("--out", self.out),
            ("--device", "" if self.device == "auto" else self.device),
            ("--max-time", self.max_time),
            ("--max-memory", self.max_memory),
        )
        given = [(name, v) for name, *values in options for v in values if v not in (None, "")]
        return ["train", self.model, *(word for pair in given for word in map(str, pair))]

    def _options(self) -> list[Layer]:
        from zoo.config.layers import Layer
        from zoo.prediction.sources import parse_data

        layers = []
        if self.data:
            named = parse_data(self.data)
            layers.append(Layer("--data", {"data": {"source": named.source, "path": named.path}}))
        if self.device != "auto":
            layers.append(Layer("--device", {"engine": {"device": self.device}}))
        if self.max_time is not None:
            layers.append(Layer("--max-time", {"training": {"max_time": self.max_time}}))
        if self.max_memory is not None:
            layers.append(Layer("--max-memory", {"engine": {"max_memory": self.max_memory}}))
        return layers


def _run(asked: _Asked, *, profile: bool, as_json: bool) -> None:
    resolved = asked.resolved()
    pull_named([asked.start])
    with stop_at_once():  # importing torch takes seconds
        from zoo.engine.distributed import launched_world
        from zoo.training.reporting import ConsoleReporter
        from zoo.training.run import train

        with ConsoleReporter(console()) as reporter:
            run = train(
                asked.model,
                resolved,
                asked.out,
                start_from=asked.start,
                freeze=asked.freeze,
                profile=profile,
                progress=reporter,
            )
    if not launched_world().main:
        return
    told = _summary(run.path, run.model)
    if profile and (run.path / _PROFILE).exists():
        told["profile"] = run.read_json(run.path / _PROFILE)
    emit(told, as_json, _render_summary)


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
        _render_work(told["work"]) if told["work"] else "",
        *(f"note: {note}" for note in told["notes"]),
    ]
    return "\n\n".join(block for block in blocks if block)


def _render_work(work: Mapping[str, Any]) -> str:
    rows = [("a sample", f"{work['sample']:.3g}")]
    if work["total"] is None:
        rows += [("the training", "depends on --data, of a simulator on data.events")]
    else:
        rows += [(f"{work['samples']:,} samples", f"{work['total']:.3g}")]
        rows += [("CPU-hours, at least", f"{work['core_hours']:.3g}")]
    rate = f"at {work['rate']:.2g} a second, a matrix product on one core of this machine; "
    rest = "no network is as fast, and reading and element-wise work come on top"
    return f"{table(('work', 'multiply-adds with gradient'), rows)}\n{rate}{rest}"


def _at(config: Any, path: str) -> str:
    for key in path.split("."):
        config = config[int(key)] if isinstance(config, list) else config[key]
    return str(config)
