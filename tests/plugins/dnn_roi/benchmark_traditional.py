"""What breaking and extending ROIs change, and what they cost: run it with python.

``python benchmark_traditional.py [FILES [EVENTS [COSMICS]]]``: muons of 1.4 m on 400 wires and 6000
ticks, with the real field response and noise of the folder FILES where it is given (``-``: the
closed forms), EVENTS at each angle, among COSMICS cosmic muons. Numbers are those of the metrics of
the task, over the planes U and V; times are CPU times of one process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from zoo.api import Table, generator
from zoo_dnn_roi.metrics import RoiMetrics
from zoo_dnn_roi.physics.deconvolution import Deconvolved
from zoo_dnn_roi.physics.masking import apply_mask
from zoo_dnn_roi.physics.refine import collection_rois, induction_rois
from zoo_dnn_roi.physics.roi import RoiSettings
from zoo_dnn_roi.physics.runs import FloatArray
from zoo_dnn_roi.sources.config import TracksConfig
from zoo_dnn_roi.sources.simulators import Tracks

ANGLES = (0, 30, 60, 75, 80, 85)
CHAINS: Mapping[str, RoiSettings] = {
    "before": RoiSettings(break_loops=0, extend=False),
    "break": RoiSettings(extend=False),
    "extend": RoiSettings(break_loops=0),
    "full": RoiSettings(),
}
SHOWN = ("E", "bias", "resolution", "inefficiency", "pixel efficiency", "pixel purity")


def simulator(files: str, angle: float, cosmics: int) -> Tracks:
    options = {"theta_xz": [angle], "cosmics": [cosmics, cosmics]}
    if files != "-":
        response, noise = "dune-garfield-1d565", "protodunehd-noise-spectra-14mVfC-v1"
        options["field_response"] = str(Path(files) / f"{response}.json.bz2")
        options["noise_spectrum"] = str(Path(files) / f"{noise}.json.bz2")
    return Tracks(TracksConfig.model_validate(options))


def events(
    source: Tracks, count: int
) -> Iterator[tuple[dict[str, Deconvolved], dict[str, FloatArray]]]:
    """Deconvolved planes and truth."""
    simulation = source._simulation
    for key in range(count):
        rng = generator(np.uint64(1000 + key))
        clouds = simulation.drift(source.depositions(rng)[0], rng)
        adc = simulation.waveforms(clouds, rng, digital=True)
        yield simulation.deconvolve(adc), simulation.truth(clouds)


def sums(plane: Deconvolved, truth: FloatArray, settings: RoiSettings) -> tuple[Table, float, int]:
    """Metric sums of one induction plane, CPU seconds of the chain, and the number of ROIs."""
    start = time.process_time()
    rois = induction_rois(
        plane.tight_lf, plane.tighter_lf, plane.loose_lf, plane.wiener, plane.rms, settings=settings
    )
    spent = time.process_time() - start
    mask = rois.final.mask()
    samples = Table({"id": np.zeros(1, np.uint64), "truth": truth[None]})
    prediction = Table(
        {
            "id": samples.ids,
            "mask": mask.astype(np.uint8)[None],
            "charge": apply_mask(plane.charge, mask, baseline=True)[None],
        }
    )
    return RoiMetrics({}).measure(samples, prediction), spent, len(rois.final)


def main() -> None:
    files, count, cosmics = [*sys.argv[1:], *("-", "2", "0")[len(sys.argv) - 1 :]]
    metrics, spent = RoiMetrics({}), dict.fromkeys(CHAINS, 0.0)
    collection = 0.0
    sys.stdout.write(" | ".join(("angle", "chain", *SHOWN, "ROIs a wire")) + "\n")
    for angle in ANGLES:
        rows: dict[str, list[Table]] = {name: [] for name in CHAINS}
        number = dict.fromkeys(CHAINS, 0)
        for planes, truth in events(simulator(files, angle, int(cosmics)), int(count)):
            for name, settings in CHAINS.items():
                for target in "UV":
                    row, seconds, rois = sums(planes[target], truth[target], settings)
                    rows[name].append(row)
                    spent[name] += seconds
                    number[name] += rois
            start = time.process_time()
            collection_rois(planes["W"].wiener, planes["W"].rms)
            collection += time.process_time() - start
        for name, tables in rows.items():
            found = {n.name: n.value for n in metrics.summarise(Table.concat(tables))}
            text = " | ".join(f"{found[key]:.3g}" for key in SHOWN)
            wires = 400 * len(tables)
            sys.stdout.write(f"{angle} | {name} | {text} | {number[name] / wires:.2f}\n")
    planes_done = 2 * int(count) * len(ANGLES)
    for name, seconds in spent.items():
        sys.stdout.write(f"{name}: {1e3 * seconds / planes_done:.0f} ms a plane of 400 wires\n")
    sys.stdout.write(f"collection: {2e3 * collection / planes_done:.0f} ms a plane\n")


if __name__ == "__main__":
    main()
