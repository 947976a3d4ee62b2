"""Tables of a judgement by length and momentum: FOLDER of `zoo eval`, with results.json.

For every cell: tracks; s68 of 1/p_t in per cent for every model; then, of the networks, bias in
units of s68 and width of the pulls. Below, slopes of predicted against true 1/p_t, and pulls by
predicted momentum.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

WIDTH, BIAS = "s68 of 1/p_t", "bias of 1/p_t"
PULL, SLOPE = "pull width - 1 of 1/p_t", "slope - 1 of 1/p_t"
CROSSING = re.compile(r"length (\d+)-(\d+) mm, p_t")
Model = dict[str, Any]


def value(model: Model, name: str, column: str = "", lower: float | None = None) -> float:
    """A number of a model; NaN where it has none there."""
    for one in model["numbers"]:
        if (one["name"], one["column"], one["lower"]) == (name, column, lower):
            return math.nan if one["value"] is None else float(one["value"])
    return math.nan


def bins(model: Model, wanted: Callable[[str], object]) -> list[tuple[str, float, float, int]]:
    """Column, edges and tracks of every bin of some columns that has tracks."""
    return [
        (one["column"], one["lower"], one["upper"], one["n"])
        for one in model["numbers"]
        if one["name"] == WIDTH and wanted(one["column"]) and one["value"] is not None
    ]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (header, ["---"] * len(header), *rows):
        yield "| " + " | ".join(row) + " |"


def cells(models: Sequence[Model], networks: Sequence[Model]) -> Iterator[str]:
    header = ["length [mm]", "p_t [GeV/c]", "tracks"]
    header += [f"s68: {one['model']}" for one in models]
    header += [f"{what}: {one['model']}" for what in ("bias/s68", "pull") for one in networks]
    rows = []
    for column, low, high, tracks in bins(models[0], CROSSING.fullmatch):
        place = (column, low)
        row = ["{} to {}".format(*CROSSING.fullmatch(column).groups()), f"{low:g} to {high:g}"]  # type: ignore[union-attr]
        row += [str(tracks), *(f"{value(one, WIDTH, *place):.3g}" for one in models)]
        shares = (value(one, BIAS, *place) / value(one, WIDTH, *place) for one in networks)
        row += [f"{share:+.2f}" for share in shares]
        row += [f"{1 + value(one, PULL, *place):.2f}" for one in networks]
        rows.append(row)
    yield from markdown(header, rows)


def by(models: Sequence[Model], column: str, name: str, label: str) -> Iterator[str]:
    """One number, which is told less one, by one column."""
    places = bins(models[0], column.__eq__)
    rows = [
        [f"{low:g} to {high:g}", str(tracks)]
        + [f"{1 + value(one, name, column, low):.3f}" for one in models]
        for column, low, high, tracks in places
    ]
    yield from markdown([label, "tracks", *(one["model"] for one in models)], rows)


def main() -> None:
    results = json.loads((Path(sys.argv[1]) / "results.json").read_text(encoding="utf-8"))
    told = [one for one in results["models"] if not math.isnan(value(one, WIDTH))]
    networks = [one for one in told if one["role"] == "model"]
    parts = (
        cells(told, networks),
        by(told, "length", SLOPE, "slope, by length [mm]"),
        by(told, "predicted_p_t", PULL, "pull, by predicted p_t [GeV/c]"),
        by(told, "length", PULL, "pull, by length [mm]"),
    )
    sys.stdout.write("\n\n".join("\n".join(part) for part in parts) + "\n")


if __name__ == "__main__":
    main()
