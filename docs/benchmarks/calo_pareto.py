"""Distance to Geant4 against the time of a shower: FOLDER of calo_comparison.sh.

It reads FOLDER/judged (zoo eval) and FOLDER/bench (zoo bench), and times Geant4 itself on the
energies of the judgement, where calzone is. The table has CPU ms per shower by batch; in the
picture, FOLDER/pareto.png, are batches of one, and the front: of what is on it nothing else is both
nearer and faster.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.api import PluginError
from zoo_calo.sources.config import Geant4Config
from zoo_calo.sources.geant4 import Geant4
from zoo_calo.specs import SAMPLE

DISTANCE, ORACLE = "corrected JS", "calo/another-shower"
MARKERS = {"eager": "o", "compiled": "^", "onnx": "s", "": "D"}
BATCHES = (1, 10, 100)


@dataclass(frozen=True)
class Point:
    """A way to make showers.

    Attributes:
        name, runtime: What and how.
        distance: To Geant4, with the ends of its 95 % interval.
        ms: CPU ms per shower by batch.
    """

    name: str
    runtime: str
    distance: tuple[float, float, float]
    ms: dict[int, float]


def distances(folder: Path) -> dict[str, tuple[float, float, float]]:
    """By name of the benchmark: a network's is that of the file that was chosen."""
    found = {}
    for model in json.loads((folder / "judged/results.json").read_text())["models"]:
        for one in model["numbers"]:
            if (one["name"], one["column"]) == (DISTANCE, ""):
                name = Path(model["model"]).name.removesuffix("-chosen.safetensors")
                name = model["model"] if model["model"].startswith("calo/") else name
                found[name] = (one["value"], one["low"], one["high"])
    return found


def timed(folder: Path) -> dict[tuple[str, str], dict[int, float]]:
    """(name, runtime) -> batch -> ms per shower."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for row in json.loads((folder / "bench/bench.json").read_text())["rows"]:
        if row["told"]:
            under = row["conditions"]
            batch = under["sizes"]["batch"]
            way = (row["name"], under["runtime"] or "")
            found.setdefault(way, {})[batch] = 1e3 * row["told"]["cpu"]["median"] / batch
    return found


def geant4_ms(showers: int = 60) -> float | None:
    """CPU ms of a shower, the mean over 2, 5 and 8 GeV; none where Geant4 is not."""
    setup = {"pool": 3, "energies_gev": [2.0, 5.0, 8.0]}
    try:
        simulator = Geant4(Geant4Config.model_validate(setup))
    except PluginError as error:
        sys.stderr.write(f"without Geant4: {error.message}\n")
        return None
    keys = np.arange(showers, dtype=np.uint64)
    simulator.simulate(keys[:1], frozenset(SAMPLE))  # the tables are read once
    start = time.process_time()
    simulator.simulate(keys, frozenset(SAMPLE))
    return 1e3 * (time.process_time() - start) / showers


def points(folder: Path) -> list[Point]:
    """Of both files, and Geant4 against itself."""
    far = distances(folder)
    found = [Point(name, how, far[name], ms) for (name, how), ms in timed(folder).items()]
    slow = geant4_ms()
    return found if slow is None else [*found, Point("Geant4", "", far[ORACLE], {1: slow})]


def front(found: Sequence[Point]) -> list[Point]:
    """Those that no other one beats in both, batches of one, from the fastest."""
    return [
        one
        for one in sorted(found, key=lambda point: point.ms[1])
        if not any(
            other.ms[1] <= one.ms[1] and other.distance[0] < one.distance[0] for other in found
        )
    ]


def markdown(found: Sequence[Point]) -> Iterator[str]:
    best = front(found)
    yield (
        "| showers of | runtime | corrected JS | "
        + " | ".join(f"ms, batch {batch}" for batch in BATCHES)
        + " | on the front |"
    )
    yield "|---" * (4 + len(BATCHES)) + "|"
    for one in sorted(found, key=lambda point: point.ms[1]):
        value, low, high = one.distance
        times = (f"{one.ms[batch]:.3g}" if batch in one.ms else "" for batch in BATCHES)
        cells = (one.name, one.runtime, f"{value:.3f} [{low:.3f}, {high:.3f}]", *times)
        yield "| " + " | ".join([*cells, "yes" if one in best else ""]) + " |"


def picture(found: Sequence[Point], path: Path) -> None:
    """Logarithmic time, distance with its interval, and the front as a line."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes: Any = figure.subplots()
    names = list(dict.fromkeys(one.name for one in found))
    for one in found:
        value, low, high = one.distance
        axes.errorbar(
            one.ms[1], value, [[max(value - low, 0)], [max(high - value, 0)]], capsize=3,
            marker=MARKERS[one.runtime], color=f"C{names.index(one.name)}",
            label=f"{one.name} {one.runtime}".strip(), linestyle="none",
        )  # fmt: skip
    best = front(found)
    axes.step(
        [one.ms[1] for one in best], [one.distance[0] for one in best], where="post", color="0.6"
    )
    axes.set(xscale="log", xlabel="CPU ms per shower, batches of one", ylabel=DISTANCE)
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def main(folder: Path) -> None:
    found = points(folder)
    sys.stdout.write("\n".join(markdown(found)) + "\n")
    picture(found, folder / "pareto.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("give the folder of calo_comparison.sh")
    main(Path(sys.argv[1]))
