"""``zoo calo generate``: showers of a model, in a file."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from zoo_calo.commands.options import AsJson, Collection, FormatName, Map, Out, Pdg
from zoo_calo.commands.telling import Progress

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("generate")(generate)


def generate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Run, model file, or id of the task calo.")
    ],
    out: Out,
    events: Annotated[
        int, typer.Option("--events", min=1, help="Showers of each energy and angle.")
    ],
    *,
    energy: Annotated[
        list[float] | None, typer.Option("--energy", help="GeV; may be given several times.")
    ] = None,
    energies: Annotated[
        str,
        typer.Option("--energies", metavar="LOW,HIGH", help="Energies between, uniformly, GeV."),
    ] = "",
    theta: Annotated[
        list[float] | None,
        typer.Option("--theta", help="Polar angle, degrees; 90 is along the layers' normal."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the showers.")] = 1,
    format_: Annotated[FormatName, typer.Option("--format", help="Of the file.")] = "calo-h5",
    data: Annotated[
        str,
        typer.Option(
            "--data", metavar="SOURCE:PATH", help="Data on whose grid a classical model works."
        ),
    ] = "",
    map_: Map = "",
    collection: Collection = "SimCalorimeterHit",
    pdg: Pdg = 22,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "cpu",
    as_json: AsJson = False,
) -> None:
    """Make showers of given energies and angles; the same seed makes the same ones.

    Exit code 2 if no energy is given, or the model needs something else or is of another task.
    """
    from zoo_calo.showers_out.generating import Wanted, generate_file

    wanted = Wanted(
        model=model,
        out=out,
        events=events,
        energies_gev=tuple(energy or ()),
        between=energies,
        thetas_deg=tuple(theta or ()),
        seed=seed,
        format=format_,
        data=data,
        map=map_,
        collection=collection,
        pdg=pdg,
        device=device,
    )
    told = generate_file(wanted, Progress("generating"))
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        typer.echo(
            f"{told['file']}: {told['showers']} showers of {told['model']}, {told['format']}, "
            f"{told['ms_per_shower']:.3g} ms each"
        )
