"""Error of networks and tables on one box of argon, against bytes and training time.

    python tests/plugins/optics/maps.py FOLDER --voxels 5 8 12

The folder is what ``docs/benchmarks/optics_maps.sh`` fills: ``box.h5``, a run a network, and its
CPU seconds beside it. Tables are filled from the training split of the box, and everything is
judged on its test split and, for gradients, on points of its own. Bytes are those of the numbers
that a model keeps, float32. Writes ``maps.json``, ``maps.md`` and figures.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from zoo.api import Drawing, Table, evaluate, facts_of, load, write_atomically
from zoo_optics.baselines import NearestLut, TrilinearLut
from zoo_optics.config import LutConfig
from zoo_optics.drawings.files import store
from zoo_optics.drawings.styles import legend
from zoo_optics.gradients.job import compare
from zoo_optics.gradients.truth import known_light

BINS = {2: "1e-4 to 1e-3", 3: "1e-3 to 1e-2"}  # of the visibility, whose gradient error is shown


@dataclass
class Model:
    """A row: what it is, takes and does."""

    name: str
    kind: str
    predictor: Any
    bytes: int
    seconds: float = float("nan")
    error: float = float("nan")
    interval: tuple[float, float] = (float("nan"), float("nan"))
    explained: float = float("nan")
    gradient: Mapping[int, float] | None = None


class Timed:
    """A table that tells how long it took to be filled."""

    def __init__(self, table: NearestLut) -> None:
        self.table, self.seconds = table, float("nan")
        self.needs, self.targets = table.needs, table.targets

    def fit(self, training: Iterable[Table]) -> None:
        start = time.process_time()
        self.table.fit(training)
        self.seconds = time.process_time() - start

    def predict(self, samples: Table, keys: Any = None) -> Table:
        return self.table.predict(samples, keys)


def main() -> None:
    """Judge all, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--voxels", type=int, nargs="+", default=[5, 8, 12, 16, 24, 32])
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    box = options.folder / "box.h5"
    models = [*networks(options.folder), *tables(facts_of("optics", str(box)), options.voxels)]
    judge(models, box, options.resamples)
    light = known_light(facts_of("optics", str(box)), str(box))
    judged = compare(
        light, {one.name: one.predictor for one in models}, points=options.points, step_cm=0.5
    )
    for one in models:
        one.gradient = {k: judged.errors[one.name][k].median for k in BINS}
    write_atomically(options.folder / "maps.json", json.dumps(told(models), indent=1) + "\n")
    write_atomically(options.folder / "maps.md", markdown(models) + "\n")
    store([drawing(models, options.folder)], options.folder)
    sys.stdout.write(markdown(models) + "\n")


def networks(folder: Path) -> Iterator[Model]:
    """The runs that are finished, in the order of their names."""
    for path in sorted(folder.glob("*.seconds")):
        run = path.with_suffix("")
        predictor: Any = load(run)
        (net,) = predictor.networks.values()
        size = 4 * sum(parameter.numel() for parameter in net.parameters())
        kind = predictor.model.partition("/")[2]
        yield Model(run.name, kind, predictor, size, float(path.read_text()))


def tables(facts: Mapping[str, Any], voxels: list[int]) -> Iterator[Model]:
    """Tables of voxels, trilinear and nearest."""
    sensors = len(facts["geometry"]["position_cm"])
    for kind, made in (("lut", TrilinearLut), ("lut-nearest", NearestLut)):
        for count in voxels:
            table = Timed(made(LutConfig(voxels=(count, count, count)), facts))
            yield Model(f"{kind}-{count}", kind, table, 4 * sensors * count**3)


def judge(models: list[Model], box: Path, resamples: int) -> None:
    """Error and explained deviance on the test split."""
    named = {one.name: one.predictor for one in models}
    results = evaluate(named, box, task="optics", resamples=resamples, displays=False)
    for one in models:
        numbers = {n.number.name: n for n in results[one.name].numbers if not n.column}
        error = numbers["visibility error"]
        one.error, one.interval = error.number.value, (error.low, error.high)
        one.explained = numbers["explained deviance"].number.value
        if isinstance(one.predictor, Timed):
            one.seconds = one.predictor.seconds


def told(models: list[Model]) -> list[dict[str, Any]]:
    """As JSON values."""
    return [
        {name: value for name, value in vars(one).items() if name != "predictor"} for one in models
    ]


def markdown(models: list[Model]) -> str:
    """A row for every model, from the best."""
    lines = [
        "| model | kB | CPU s | visibility error [%] | explained deviance | gradient error, "
        + " | ".join(BINS.values())
        + " |",
        "|---" * (5 + len(BINS)) + "|",
    ]
    for one in sorted(models, key=lambda model: model.error):
        gradient = " | ".join(f"{value:.2f}" for value in (one.gradient or {}).values())
        low, high = one.interval
        lines.append(
            f"| {one.name} | {one.bytes / 1000:.0f} | {one.seconds:.1f} | {one.error:.2f} "
            f"[{low:.2f}, {high:.2f}] | {one.explained:.4f} | {gradient} |"
        )
    return "\n".join(lines)


def drawing(models: list[Model], folder: Path) -> Drawing:
    """Error against bytes, and of networks against the CPU seconds of their training so far."""
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    data: dict[str, Any] = {}
    for kind in dict.fromkeys(one.kind for one in models):
        few = sorted((one for one in models if one.kind == kind), key=lambda one: one.bytes)
        size, error = [one.bytes / 1000 for one in few], [one.error for one in few]
        left.plot(size, error, "o-" if "lut" not in kind else "s--", label=kind, markersize=4)
    for one in models:
        steps = progress(folder / one.name / "metrics.jsonl")
        if steps:
            seconds = [one.seconds * step / steps[-1][0] for step, _ in steps]
            right.plot(seconds, [error for _, error in steps], "o-", markersize=3, label=one.name)
        elif one.kind == "lut":
            right.axhline(one.error, color="0.7", linewidth=0.8, zorder=0)
            right.annotate(one.name, (1, one.error), xycoords=("axes fraction", "data"), fontsize=7)
    data["kB"] = np.array([one.bytes / 1000 for one in models])
    data["CPU s"] = np.array([one.seconds for one in models])
    data["error [%]"] = np.array([one.error for one in models])
    left.set(xlabel="size [kB]", ylabel="visibility error [%]", xscale="log", yscale="log")
    right.set(xlabel="CPU time of the training [s]", xscale="log")
    if right.get_legend_handles_labels()[0]:
        right.legend(fontsize=7, frameon=False)
    for axes in (left, right):
        axes.xaxis.set_minor_formatter(NullFormatter())  # they would overlap
        axes.grid(alpha=0.3, which="both")
    legend(figure)
    return Drawing(
        name="maps",
        caption="Error of the visibility on flashes that nobody trained on, against the size of "
        "the model, and on the validation split against training time; lines: tables.",
        figure=figure,
        data=data,
    )


def progress(path: Path) -> list[tuple[int, float]]:
    """Steps and visibility errors of the validations of a training; empty without one."""
    if not path.is_file():
        return []
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return [
        (int(line["step"]), float(line["visibility error"]))
        for line in lines
        if line.get("phase") == "metrics" and line.get("visibility error") is not None
    ]


if __name__ == "__main__":
    main()
