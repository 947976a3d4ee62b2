"""Tables of a folder that sparse_reco_chain.sh wrote, for its page: FOLDER.

Of each stage: network, baselines and oracles with intervals, beside what was published of other
events. Then the particles of the whole chain against pile-up and on Geant4, beside the baselines;
where efficiency is lost; time and memory. What is not in the folder is left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Numbers = Mapping[str, Mapping[str, Any]]

STAGES: Mapping[str, Sequence[str]] = {
    "semantic": (
        "macro F1",
        *(f"{name} F1" for name in ("shower", "track", "michel", "delta", "low-energy")),
        *(f"{who} points within {far}" for who in ("true", "predicted") for far in (3, 10)),
    ),
    "cluster": (
        *(f"fragment {what}" for what in ("ARI", "AMI", "efficiency", "purity", "SBD")),
        "shower fragment ARI",
        "track fragment ARI",
        "events of a fragment ARI above 92 %",
    ),
    "shower": (
        *(f"shower {what}" for what in ("ARI", "AMI", "efficiency", "purity", "SBD")),
        *(f"shower {what} of nodes" for what in ("ARI", "efficiency", "purity")),
        "shower edge accuracy",
        "shower primary accuracy",
    ),
    "track": (
        *(f"track {what}" for what in ("ARI", "AMI", "efficiency", "purity", "SBD")),
        "track edge accuracy",
    ),
    "interaction": (
        *(f"interaction {what}" for what in ("ARI", "AMI", "efficiency", "purity", "SBD")),
        "interaction edge accuracy",
        "interaction primary accuracy",
        "PID accuracy",
        "PID macro F1",
        "momentum resolution",
        "vertices within 5",
    ),
}
PUBLISHED: Mapping[str, Mapping[str, str]] = {
    "semantic": {
        "predicted points within 3": "96.8 (points within 3, arXiv:2006.14745)",
        "predicted points within 10": "97.8 (within 10)",
    },
    "cluster": {
        "events of a fragment ARI above 92 %": "90 (SPICE, arXiv:2007.03083)",
        "fragment efficiency": "> 96 (SPICE)",
        "fragment purity": "> 96 (SPICE)",
    },
    "shower": {
        "shower efficiency": "99.6 (GrapPA, arXiv:2007.01335)",
        "shower purity": "99.4 (GrapPA)",
        "shower ARI": "97.8 (GrapPA, preprint)",
        "shower primary accuracy": "99.8 (GrapPA)",
    },
    "interaction": {
        "interaction efficiency": "99.5 (GrapPA, arXiv:2007.01335)",
        "interaction purity": "99.8 (GrapPA)",
        "interaction ARI": "99.2 (GrapPA, preprint)",
    },
}
CHAIN = (
    "voxels of the right class",
    "fragment ARI",
    "particle ARI",
    "interaction ARI",
    "particles found",
    "particles right",
    "interactions found",
    "interactions right",
    "kind right",
    "primary right",
    "vertex, 68 % within voxels",
    "start, 68 % within voxels",
    "direction, 68 % within degrees",
    "shower energy found, median",
    "shower energy over that, 68 % within",
    "track energy by range, 68 % within",
)


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (header, ["---"] * len(header), *rows):
        yield "| " + " | ".join(row) + " |"


def interval(one: Mapping[str, Any] | None) -> str:
    """Value and interval with as many digits as a value of its size deserves."""
    if one is None or one["value"] is None:
        return "-"
    digits = 3 if abs(one["value"]) < 1 else 2 if abs(one["value"]) < 10 else 1
    text = f"{one['value']:.{digits}f}"
    if one["low"] is None:
        return text
    return f"{text} [{one['low']:.{digits}f}, {one['high']:.{digits}f}]"


def stage(folder: Path, name: str, published: Mapping[str, str]) -> Iterator[str]:
    models = json.loads((folder / "results.json").read_text(encoding="utf-8"))["models"]
    found = {one["model"]: numbers_of(one) for one in models if not one["unavailable"]}
    shown = {
        model: numbers for model, numbers in found.items() if any(map(numbers.get, STAGES[name]))
    }
    yield f"**{name}** ({folder.name})\n"
    header = ["number", *(f"`{Path(model).name}`" for model in shown), "published, other events"]
    rows = [
        [number, *(interval(one.get(number)) for one in shown.values()), published.get(number, "")]
        for number in STAGES[name]
    ]
    yield from markdown(header, rows)


def numbers_of(model: Mapping[str, Any]) -> Numbers:
    return {
        one["name"]: one
        for one in model["numbers"]
        if not one["column"] and one["value"] is not None
    }


def judged(folder: Path, names: Sequence[str]) -> Iterator[str]:
    told: dict[str, Any] = {}
    for name in names:
        for label, part in ((name, name), (f"{name}, rules", f"{name}-baselines")):
            path = folder / f"judged-{part}" / "results.json"
            if path.exists():
                told[label] = json.loads(path.read_text(encoding="utf-8"))
    if not told:
        return
    header = ["number", *(f"{label} ({one['events']} events)" for label, one in told.items())]
    rows = [
        [number, *(interval(one["numbers"].get(number)) for one in told.values())]
        for number in CHAIN
    ]
    yield from markdown(header, rows)


def losses(folder: Path) -> Iterator[str]:
    rows = json.loads((folder / "results.json").read_text(encoding="utf-8"))["rows"]
    names = list(next(iter(rows.values())))
    yield from markdown(
        ["stages of the models", *names],
        [[label, *(interval(one[name]) for name in names)] for label, one in rows.items()],
    )


def timing(folder: Path) -> Iterator[str]:
    """What the files say of their making."""
    rows = []
    for path in sorted(folder.glob("timed-*.h5"), key=lambda path: path.stat().st_size):
        with h5py.File(path) as file:
            events = len(file["events/id"])
            took = json.loads(file["reco"].attrs["stages_took"])
            voxels = len(file["voxels/deposit"]) / events
        each = {name: one["seconds"] / events for name, one in took.items()}
        peak = max(one["peak_mib"] for one in took.values())
        stages = ", ".join(f"{name} {1000 * one:.0f}" for name, one in each.items())
        row = [path.stem, f"{voxels:.0f}", f"{1 / sum(each.values()):.2f}", f"{peak:.0f}", stages]
        rows.append(row)
    yield from markdown(["file", "voxels", "events/s", "peak MiB", "ms an event"], rows)


def same(one: Path, other: Path) -> Iterator[str]:
    """Columns of two files of the same events: how many rows differ, and by how much at most."""
    with h5py.File(one) as first, h5py.File(other) as second:
        tables = ("voxels", "fragments", "particles", "interactions")
        rows = [
            [table, str(len(first[f"{table}/offsets"]) - 1), *_alike(first, second, table)]
            for table in tables
        ]
    yield from markdown(
        ["table", "events", "rows", "integers that differ", "largest difference"], rows
    )


def _alike(first: Any, second: Any, table: str) -> list[str]:
    """Rows, differing integers, and the largest difference of a number of either file."""
    columns = [name for name in first[table] if name != "offsets"]
    if any(len(first[table][name]) != len(second[table][name]) for name in columns):
        return ["not as many in both", "", ""]
    differ, largest, where = 0, 0.0, ""
    for name in columns:
        mine, theirs = first[table][name][()], second[table][name][()]
        if mine.dtype.kind == "f":
            apart = np.abs(mine - theirs)[np.isfinite(mine) & np.isfinite(theirs)]
            most = float(apart.max(initial=0))
            largest, where = (most, name) if most > largest else (largest, where)
        else:
            differ += int((mine != theirs).sum())
    return [str(len(first[table][columns[0]])), str(differ), f"{largest:.2g} {where}"]


def main() -> None:
    folder = Path(sys.argv[1])
    parts: list[Iterator[str]] = []
    parts += [
        stage(folder / f"{part}-{name}", name, PUBLISHED.get(name, {}))
        for name in STAGES
        for part in ("truth", "stage")
        if (folder / f"{part}-{name}" / "results.json").exists()
    ]
    piled = folder.glob("judged-pile-up-*/")
    counts = sorted({int(path.name.split("-")[3]) for path in piled})
    parts.append(judged(folder, [f"pile-up-{count}" for count in counts]))
    parts.append(judged(folder, ["mixed", "mixed-networks"]))
    parts.append(judged(folder, ["edepsim", "larcv-h5", "larcv-root"]))
    if (folder / "losses" / "results.json").exists():
        parts.append(losses(folder / "losses"))
    if (folder / "reco-exported.h5").exists():
        parts.append(same(folder / "reco-mixed-networks.h5", folder / "reco-exported.h5"))
    parts.append(timing(folder))
    told = ("\n".join(part) for part in parts)
    sys.stdout.write("\n\n".join(one for one in told if one) + "\n")


if __name__ == "__main__":
    main()
