"""Error of networks and tables on the flashes of one detector, against bytes and training time.

    python tests/plugins/optics/maps.py FOLDER --voxels 5 8 12

The folder is what ``docs/benchmarks/optics_maps.sh`` fills: ``flashes.h5``, a run a network, and
its CPU seconds beside it. Everything is judged on the test split. Tables are filled from the
training split; where the light has a closed form, also with flashes in the middles of the voxels,
as a photon library is made, which have as many photons in all as the training split; and gradients
are judged there, on points of their own. Bytes are those of the numbers that a model keeps,
float32. Writes ``maps.json``, ``maps.md`` and figures.
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
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from zoo.api import Drawing, Table, evaluate, facts_of, load, write_atomically, write_drawings
from zoo_optics.baselines import NearestLut, TrilinearLut
from zoo_optics.config import LutConfig
from zoo_optics.drawings.styles import legend
from zoo_optics.gradients.job import compare
from zoo_optics.gradients.truth import known_light
from zoo_optics.sources.lar_box import LarBox

BINS = {2: "1e-4 to 1e-3", 3: "1e-3 to 1e-2"}  # of the visibility, whose gradient error is shown
KNOWN, COUNTED = "visibility error", "unexplained deviance"  # where the truth is known; of counts


@dataclass
class Model:
    """A row: what it is, takes and does; ``error`` in per cent, see :func:`judge`."""

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
    """A table that tells how long it took to be filled.

    With ``light`` it is filled with flashes in the middles of its voxels instead, which share the
    photons of the training samples.
    """

    def __init__(self, table: NearestLut, light: LarBox | None = None) -> None:
        self.table, self.light, self.seconds = table, light, float("nan")
        self.needs, self.targets = table.needs, table.targets

    def fit(self, training: Iterable[Table]) -> None:
        if self.light is not None:
            photons = sum(float(samples["photons"].sum()) for samples in training)
            training = centred(self.light, self.table.config.voxels, photons)
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
    flashes = options.folder / "flashes.h5"
    facts = facts_of("optics", str(flashes))
    light = known_light(facts, str(flashes)) if "shadow" in facts else None
    models = [*networks(options.folder), *tables(facts, options.voxels, light)]
    judge(models, flashes, options.resamples)
    if light is not None:
        named = {one.name: one.predictor for one in models}
        judged = compare(light, named, points=options.points, step_cm=0.5)
        for one in models:
            one.gradient = {k: judged.errors[one.name][k].median for k in BINS}
    measure = KNOWN if light is not None else COUNTED
    table = markdown(models, measure)
    write_atomically(options.folder / "maps.json", json.dumps(told(models), indent=1) + "\n")
    write_atomically(options.folder / "maps.md", table + "\n")
    write_drawings([drawing(models, options.folder, measure)], options.folder)
    sys.stdout.write(table + "\n")


def networks(folder: Path) -> Iterator[Model]:
    """The runs that are finished, in the order of their names."""
    for path in sorted(folder.glob("*.seconds")):
        run = path.with_suffix("")
        predictor: Any = load(run)
        (net,) = predictor.networks.values()
        size = 4 * sum(parameter.numel() for parameter in net.parameters())
        kind = predictor.model.partition("/")[2]
        yield Model(run.name, kind, predictor, size, float(path.read_text()))


def tables(facts: Mapping[str, Any], voxels: list[int], light: LarBox | None) -> Iterator[Model]:
    """Tables of voxels: trilinear and nearest; where the light is known, trilinear of its own."""
    sensors = len(facts["geometry"]["position_cm"])
    kinds: list[tuple[str, type[NearestLut], LarBox | None]] = [
        ("lut", TrilinearLut, None),
        ("lut-nearest", NearestLut, None),
    ]
    if light is not None:
        kinds.append(("lut-centred", TrilinearLut, light))
    for kind, made, own in kinds:
        for count in voxels:
            table = Timed(made(LutConfig(voxels=(count, count, count)), facts), own)
            yield Model(f"{kind}-{count}", kind, table, 4 * sensors * count**3)


def centred(light: LarBox, voxels: tuple[int, int, int], photons: float) -> Iterator[Table]:
    """A flash in the middle of every voxel; ``photons`` in all."""
    volume, generator = light.detector.volume, np.random.default_rng(1)
    index = np.indices(voxels).reshape(3, -1).T
    position = volume.low + (index + 0.5) / np.array(voxels) * (volume.high - volume.low)
    each = photons / len(position)
    for part in np.array_split(position, -(-len(position) // 1024)):
        charge = generator.poisson(each * light.visibility(part))
        yield Table(
            {
                "id": np.arange(len(part), dtype=np.uint64),
                "position": part.astype(np.float32),
                "photons": np.full(len(part), each, dtype=np.float32),
                "charge": charge.astype(np.float32),
            }
        )


def judge(models: list[Model], flashes: Path, resamples: int) -> None:
    """On the test split: explained deviance, and the error, ``KNOWN`` or else ``COUNTED``."""
    named = {one.name: one.predictor for one in models}
    results = evaluate(named, flashes, task="optics", resamples=resamples, displays=False)
    for one in models:
        numbers = {n.number.name: n for n in results[one.name].numbers if not n.column}
        explained = numbers["explained deviance"]
        one.explained = explained.number.value
        if error := numbers.get(KNOWN):
            one.error, one.interval = error.number.value, (error.low, error.high)
        else:
            one.error = 100 - 100 * one.explained
            one.interval = (100 - 100 * explained.high, 100 - 100 * explained.low)
        if isinstance(one.predictor, Timed):
            one.seconds = one.predictor.seconds


def told(models: list[Model]) -> list[dict[str, Any]]:
    """As JSON values."""
    return [
        {name: value for name, value in vars(one).items() if name != "predictor"} for one in models
    ]


def markdown(models: list[Model], measure: str) -> str:
    """A row for every model, from the best."""
    heads = ["model", "kB", "CPU s", f"{measure} [%]", "explained deviance"]
    if measure == KNOWN:
        heads += [f"gradient error, {visibility}" for visibility in BINS.values()]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for one in sorted(models, key=lambda model: model.error):
        low, high = one.interval
        cells = [one.name, f"{one.bytes / 1000:.0f}", f"{one.seconds:.1f}"]
        cells += [f"{one.error:.2f} [{low:.2f}, {high:.2f}]", f"{one.explained:.4f}"]
        cells += [f"{value:.2f}" for value in (one.gradient or {}).values()]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def drawing(models: list[Model], folder: Path, measure: str) -> Drawing:
    """Error against bytes, and of networks against the CPU seconds of their training so far."""
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    data: dict[str, Any] = {}
    kinds = list(dict.fromkeys(one.kind for one in models))
    colour = {kind: f"C{number}" for number, kind in enumerate(kinds)}
    for kind in kinds:
        few = sorted((one for one in models if one.kind == kind), key=lambda one: one.bytes)
        size = [one.bytes / 1000 for one in few]
        line = "o-" if "lut" not in kind else "s--"
        if few[0].error > 0:
            error = [one.error for one in few]
            left.plot(size, error, line, color=colour[kind], label=kind, markersize=4)
        else:  # no place on a logarithmic axis: an arrow from the end of the interval
            limit = [one.interval[1] for one in few]
            left.plot(size, limit, "v", color=colour[kind], label=f"{kind} (below)", markersize=6)
    for one in models:
        steps = progress(folder / one.name / "metrics.jsonl", measure)
        if steps:
            seconds = [one.seconds * step / steps[-1][0] for step, _ in steps]
            errors = [error for _, error in steps]
            right.plot(seconds, errors, "o-", color=colour[one.kind], markersize=3)
            size_told = one.name.removeprefix(one.kind).lstrip("-")  # the colour tells the kind
            right.annotate(f"  {size_told}", (seconds[-1], errors[-1]), fontsize=7, va="center")
        elif one.kind == ("lut-centred" if measure == KNOWN else "lut"):
            right.axhline(one.error, color="0.7", linewidth=0.8, zorder=0)
            right.annotate(one.name, (1, one.error), xycoords=("axes fraction", "data"), fontsize=7)
    data["kB"] = np.array([one.bytes / 1000 for one in models])
    data["CPU s"] = np.array([one.seconds for one in models])
    data["error [%]"] = np.array([one.error for one in models])
    left.set(xlabel="size [kB]", ylabel=f"{measure} [%]", xscale="log", yscale="log")
    right.set(xlabel="CPU time of the training [s]", xscale="log")
    for axes in (left, right):
        axes.xaxis.set_minor_formatter(NullFormatter())  # they would overlap
        axes.grid(alpha=0.3, which="both")
    left.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    left.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    left.yaxis.set_minor_formatter(NullFormatter())
    legend(figure)
    return Drawing(
        name="maps",
        caption=f"{measure.capitalize()} on flashes that nobody trained on, against the size of "
        "the model, and on the validation split against training time; lines: tables.",
        figure=figure,
        data=data,
    )


def progress(path: Path, measure: str = KNOWN) -> list[tuple[int, float]]:
    """Steps and errors, per cent, of the validations of a training; empty without one."""
    if not path.is_file():
        return []
    name = KNOWN if measure == KNOWN else "explained deviance"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    told = [
        (int(line["step"]), float(line[name]))
        for line in lines
        if line.get("phase") == "metrics" and line.get(name) is not None
    ]
    return told if measure == KNOWN else [(step, 100 - 100 * value) for step, value in told]


if __name__ == "__main__":
    main()
