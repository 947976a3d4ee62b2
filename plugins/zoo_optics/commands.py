"""``zoo optics``: what the task adds to the command line."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Light: points, tracks and matches from it, calibration, gradients.",
    no_args_is_help=True,
    add_completion=False,
)

Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="Run, model file, or id of the task optics."),
]
Data = Annotated[
    str, typer.Option("--data", metavar="SOURCE:PATH", help="Events with hit times; or a zoo file.")
]
Training = Annotated[
    str,
    typer.Option(
        "--training",
        metavar="SOURCE:PATH",
        help="Flashes that a classical model (optics/lut, optics/analytic) is fitted on.",
    ),
]
Constants = Annotated[
    str,
    typer.Option(
        "--calibration",
        metavar="FILE.json",
        help="What `zoo optics calibrate` wrote: its yields are used.",
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Events at most.")]
Times = Annotated[
    Literal["auto", "learnt", "closed-form"],
    typer.Option("--times", help="Distribution of hit times; auto: learnt, if the model has one."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")]


@app.callback()
def _group() -> None:
    """Light: points, tracks and matches from it, calibration, gradients."""


@app.command("fit-vertex")
def vertex(
    model: Model,
    data: Data,
    *,
    training: Training = "",
    calibration: Constants = "",
    times: Times = "auto",
    limit: Limit = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Fit place, time and photons of flashes to all sides, from charges and hit times.

    Exit code 4 if data lack hit times or are of another detector, 2 if the model is of another
    task, classical without --training, or without the learnt times that are asked for.
    """
    from zoo_optics.reconstruction.job import Job
    from zoo_optics.reconstruction.runs import fit_vertices

    job = Job(
        model=model,
        data=data,
        training=training,
        limit=limit,
        device=device,
        calibration=calibration,
        times=times,
    )
    _emit(fit_vertices(job, _Lines("fitting")), as_json)


@app.command("fit-track")
def track(
    model: Model,
    data: Data,
    *,
    training: Training = "",
    calibration: Constants = "",
    track_cm: Annotated[float, typer.Option(min=1, help="Length of the tracks.")] = 100.0,
    cone_deg: Annotated[
        float, typer.Option(min=15, max=65, help="Half opening of their cone.")
    ] = 41.4,
    free_length: Annotated[bool, typer.Option(help="Fit the length too.")] = False,
    free_cone: Annotated[bool, typer.Option(help="Fit the cone too.")] = False,
    limit: Limit = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Fit start, direction, time and photons of Cherenkov tracks, from charges and hit times.

    Exit codes as for fit-vertex.
    """
    from zoo_optics.reconstruction.fit_track import TrackSettings
    from zoo_optics.reconstruction.job import Job
    from zoo_optics.reconstruction.runs import fit_tracks

    job = Job(
        model=model,
        data=data,
        training=training,
        limit=limit,
        device=device,
        calibration=calibration,
    )
    settings = TrackSettings(track_cm, cone_deg, free_length=free_length, free_cone=free_cone)
    _emit(fit_tracks(job, settings, _Lines("fitting")), as_json)


@app.command("calibrate")
def calibrated(
    model: Model,
    data: Annotated[
        str, typer.Option("--data", metavar="SOURCE:PATH", help="Flashes whose places are known.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.json", help="What is found.")],
    *,
    training: Training = "",
    fix_yields: Annotated[bool, typer.Option("--fix-yields", help="All yields are 1.")] = False,
    fix_offset: Annotated[
        bool, typer.Option("--fix-offset", help="The light starts where it is believed to.")
    ] = False,
    limit: Limit = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Fit a yield of every sensor and a common shift of the light; the model stays as it is.

    Exit codes as for fit-vertex; 4 also if the flashes cannot tell a shift from yields.
    """
    from zoo_optics.calibration.job import run_calibration
    from zoo_optics.reconstruction.job import Job

    job = Job(model=model, data=data, training=training, limit=limit, device=device)

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    found = run_calibration(
        job, out, free_yields=not fix_yields, free_offset=not fix_offset, tell=tell
    )
    _emit(found, as_json)


@app.command()
def gradients(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL...", help="Runs, model files, or ids of the task optics."),
    ],
    data: Annotated[
        str, typer.Option("--data", metavar="FILE", help="Flashes of lar-box: the truth is theirs.")
    ],
    *,
    training: Training = "",
    parameters: Annotated[
        str, typer.Option(metavar="FILE", help="Scattering that they were made with.")
    ] = "",
    points: Annotated[int, typer.Option(min=1, help="Where gradients are compared.")] = 500,
    step_cm: Annotated[float, typer.Option(min=0.01, help="Of the quotients.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Of the points.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Figures, and all as JSON.")
    ] = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Compare gradients of log v by the place with those of the truth, where that is known.

    Exit code 4 if the light of the data has no closed form or a model is of another detector, 2 if
    a model is of another task, or classical without --training.
    """
    from zoo_optics.gradients.job import GradientJob, judge
    from zoo_optics.gradients.telling import lines, write

    job = GradientJob(
        models=tuple(models),
        data=data,
        training=training,
        parameters=parameters,
        points=points,
        step_cm=step_cm,
        seed=seed,
        device=device,
    )
    judged = judge(job, _Lines("judging", "models"))
    if out is not None:
        write(judged, job, out)
    told = judged.told(job)
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(lines(judged)))


@app.command("match-flash")
def match(
    model: Model,
    data: Annotated[
        str,
        typer.Option(
            "--data", metavar="SOURCE:PATH", help="Samples of lar-windows; or an .npz of windows."
        ),
    ],
    *,
    training: Training = "",
    model_error: Annotated[
        float, typer.Option(min=0, max=1, help="Relative error of the light at a sensor.")
    ] = 0.1,
    yield_spread: Annotated[
        float, typer.Option(min=0, max=1, help="Relative spread of the light yield; 0: it is free.")
    ] = 0.0,
    reject_sigma: Annotated[
        float,
        typer.Option(min=0, help="RMS above a right pair at which nobody is matched; 0: never."),
    ] = 5.0,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Windows at most.")] = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Find which flash belongs to which charge, whose place along the drift is open.

    Exit code 4 if data have no windows or are of another detector, 2 if the model is of another
    task or classical without --training.
    """
    from zoo_optics.reconstruction.job import Job
    from zoo_optics.reconstruction.match_job import match_flashes
    from zoo_optics.reconstruction.matching import MatchSettings

    job = Job(model=model, data=data, training=training, limit=limit, device=device)
    settings = MatchSettings(
        model_error=model_error, yield_spread=yield_spread or None, reject_sigma=reject_sigma
    )
    _emit(match_flashes(job, settings, _Lines("matching", "windows")), as_json)


class _Lines:
    """A line on stderr every ten seconds, and at the end."""

    def __init__(self, label: str, things: str = "events") -> None:
        self.label, self.things, self.told = label, things, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self.told < 10 and done < total:
            return
        self.told = time.monotonic()
        typer.echo(f"{self.label}: {done}/{total} {self.things}", err=True)


def _emit(told: Mapping[str, Any], as_json: bool) -> None:
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(_lines(told["summary"])))


def _lines(summary: Mapping[str, Any]) -> list[str]:
    """A summary for people."""
    lines = []
    for name, value in summary.items():
        if name == "pulls":
            lines += [f"pull of {key}: {_pull(pull)}" for key, pull in value.items()]
        elif isinstance(value, Mapping) and "of" in value:
            lines.append(f"{name}: {_share(value)}")
        elif isinstance(value, Mapping):
            unit = value.get("unit", "s")
            parts = (f"{key} {x:.3g}" for key, x in value.items() if key != "unit")
            lines.append(f"{name}: {', '.join(parts)} {unit}")
        else:
            lines.append(f"{name}: {value:.3g}" if isinstance(value, float) else f"{name}: {value}")
    return lines


def _share(value: Mapping[str, float]) -> str:
    if not value["of"]:
        return "none to judge"
    interval = f"{value['low']:.3f} to {value['high']:.3f}"
    return f"{value['share']:.3f} ({interval}, 95 %), {value['count']:.0f} of {value['of']:.0f}"


def _pull(pull: Mapping[str, float]) -> str:
    return (
        f"mean {pull['mean']:+.2f} +- {pull['mean error']:.2f}, "
        f"width {pull['width']:.2f} +- {pull['width error']:.2f}"
    )
