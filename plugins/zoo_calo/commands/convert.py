"""``zoo calo convert``: showers of a source, in a file of another format."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from zoo_calo.commands.options import AsJson, Collection, FormatName, Map, Out, Pdg
from zoo_calo.commands.telling import Progress

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("convert")(convert)


def convert(
    data: Annotated[
        str, typer.Argument(metavar="SOURCE:PATH", help="Showers; or a file that zoo wrote.")
    ],
    out: Out,
    *,
    format_: Annotated[FormatName, typer.Option("--to", help="Of the file.")],
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Showers at most.")] = None,
    map_: Map = "",
    collection: Collection = "SimCalorimeterHit",
    pdg: Pdg = 22,
    as_json: AsJson = False,
) -> None:
    """Write showers in a format of others. Only calo-h5 keeps energy outside of the grid."""
    from zoo_calo.showers_out.converting import Conversion, convert_showers

    wanted = Conversion(
        data=data, out=out, format=format_, limit=limit, map=map_, collection=collection, pdg=pdg
    )
    told = convert_showers(wanted, Progress("converting"))
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        typer.echo(f"{told['file']}: {told['showers']} showers, {told['format']}")
