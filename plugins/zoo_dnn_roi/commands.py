"""``zoo dnn-roi``: what the task adds to the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Regions of interest: files for Wire-Cell.", no_args_is_help=True, add_completion=False
)


@app.callback()
def _group() -> None:
    """Regions of interest: files for Wire-Cell."""  # a group even while it has one command


@app.command()
def frames(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS.h5", help="What `zoo predict` wrote.")
    ],
    like: Annotated[
        str,
        typer.Option("--like", metavar="SOURCE:PATH", help="The frames that were predicted."),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The file to write, in their format.")
    ],
    detector: Annotated[
        str, typer.Option("--detector", help="Detector or geometry file, as for the source.")
    ] = "protodune-hd",
    planes: Annotated[
        list[str] | None, typer.Option("--plane", help="Induction plane, as for the source.")
    ] = None,
    *,
    scale: Annotated[
        float, typer.Option("--output-scale", help="Factor on the charge inside regions.")
    ] = 1.0,
    offset: Annotated[
        float, typer.Option("--output-offset", help="Added to all samples, e-/tick.")
    ] = 0.0,
    keep_negative: Annotated[
        bool, typer.Option("--save-negative-charge", help="Leave negative samples.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write predictions as frames for Wire-Cell, with the charge as its DNNROIFinding takes it."""
    from zoo.api import UsageError, read_blocks
    from zoo_dnn_roi.frames_out import Charge, write_frames
    from zoo_dnn_roi.sources.wct_frames import WctFrames
    from zoo_dnn_roi.sources.wct_hdf5 import WctHdf5
    from zoo_dnn_roi.sources.wirecell import WireCellSource
    from zoo_dnn_roi.sources.wirecell_config import WctFramesConfig, WctHdf5Config

    name, _, path = like.partition(":")
    chosen = tuple(planes or ())
    source: WireCellSource
    if name == "wct-frames":
        source = WctFrames(WctFramesConfig(detector=detector, planes=chosen), path)
    elif name == "wct-hdf5":
        source = WctHdf5(WctHdf5Config(detector=detector, planes=chosen, truth="none"), path)
    else:
        raise UsageError(
            "no source of Wire-Cell's files",
            where=like,
            remedy="write wct-frames:ARCHIVE or wct-hdf5:g4-rec-NAME.h5",
        )
    tables = read_blocks("dnn-roi", str(predictions), frozenset({"mask"}))
    charge = Charge(scale=scale, offset=offset, keep_negative=keep_negative)
    count = write_frames(source, tables, out, charge)
    told = {"file": str(out), "like": like, "frames": count}
    typer.echo(json.dumps(told) if as_json else f"{out}: {count} frames like {like}")
