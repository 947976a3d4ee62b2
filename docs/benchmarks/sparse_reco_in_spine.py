"""Does SPINE read what `zoo sparse-reco reco --spine` writes, and find the same? FILE [EVENTS].

Needs `pip install spine` (SPINE's own package, tried with 1.4.3); nothing else of the project does.
SPINE's reader and builder load the objects, its processors `csda_ke` and `direction` compute
lengths, energies by range and directions anew from the points; ratios of ours to theirs are told.
"""

from __future__ import annotations

import sys

import numpy as np
from spine.construct import BuildManager
from spine.io.read import HDF5Reader
from spine.post.reco.direction import DirectionProcessor
from spine.post.reco.tracking import CSDAEnergyProcessor

TRACK, FEWEST_VOXELS = 1, 50
AT = (5, 16, 50, 84, 95)


def compared(path: str, limit: int) -> np.ndarray:
    """Of each track: length, energy by range, ours and theirs, and the cosine of directions."""
    reader = HDF5Reader(file_keys=path)
    build = BuildManager(fragments=False, particles=True, interactions=True, mode="reco")
    csda = CSDAEnergyProcessor(run_mode="reco", segment_length=5.0)
    direction = DirectionProcessor(run_mode="reco")
    rows = []
    for number in range(min(len(reader), limit)):
        event = reader[number]
        build(event)
        particles = event["reco_particles"]
        for one in particles:
            assert len(one.points) == one.size, "points of a particle"
            assert np.isclose(one.depositions.sum(), one.depositions_sum, rtol=1e-3), "its energy"
        ours = [(one.length, one.csda_ke, one.start_dir.copy()) for one in particles]
        csda(event)
        direction(event)
        rows += [
            (length, one.length, energy, one.csda_ke, float(way @ one.start_dir))
            for (length, energy, way), one in zip(ours, particles, strict=True)
            if one.shape == TRACK and one.size > FEWEST_VOXELS
        ]
    return np.array(rows)


def main() -> None:
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    length, their_length, energy, their_energy, cosine = compared(sys.argv[1], limit).T
    known = (energy > 0) & (their_energy > 0)
    ratio = energy[known] / their_energy[known]
    lines = [f"{len(length)} tracks; at {AT} per cent of them"]
    for name, values in (
        ("length, ours / SPINE's", length / their_length),
        ("energy by range, ours / SPINE's", ratio),
        ("cosine of both directions", cosine),
    ):
        lines.append(f"{name:32} {np.percentile(values, AT).round(4)}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
