"""Multi-plane coincidence against geometry by hand and a loop over all pairs of wires."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zoo.api import DataError
from zoo_dnn_roi.physics.geometry import Detector, Plane, protodune_hd
from zoo_dnn_roi.physics.multiplane import Coincidence, feature_map, multiplane_masks
from zoo_dnn_roi.physics.refine import RefinedRois
from zoo_dnn_roi.physics.runs import Runs

Row = tuple[int, int, int, float]  # wire, start, stop, peak


def plane(rows: list[Row], wires: int, ticks: int) -> RefinedRois:
    table = np.array([row[:3] for row in rows], dtype=np.int64).reshape(-1, 3)
    runs = Runs(table[:, 0], table[:, 1], table[:, 2], wires, ticks)
    return RefinedRois(runs, runs, np.array([row[3] for row in rows], dtype=np.float32))


def test_features_are_the_largest_roi_maximum_of_each_bin() -> None:
    rois = plane([(0, 3, 12, 700), (0, 15, 20, 900), (1, 20, 25, 50)], 2, 25)
    none = -math.inf
    assert feature_map(rois, 10).tolist() == [[700, 900, none], [none, none, 50]]


def test_a_crossing_by_hand() -> None:
    # Planes at 0, 90 and 45 degrees with unit pitch, ten wires each: wire i of the first is
    # z = i - 4.5, wire j of the second y = j - 4.5, and the third counts (z + y) / sqrt 2.
    planes = (
        Plane("A", 10, 1.0, 45.0, induction=True),
        Plane("B", 10, 1.0, 0.0, induction=True),
        Plane("C", 10, 1.0, 90.0, induction=False),
    )
    detector = Detector(planes=planes, ticks=30)
    # Wires 6 and 7 cross at (1.5, 2.5): (4 / sqrt 2) + 5 = 7.83, so wire 7 of the target.
    rois = [
        plane([(6, 8, 12, 501), (7, 10, 20, 499), (2, 10, 20, 9999)], 10, 30),
        plane([(6, 5, 20, 1001)], 10, 30),
        plane([(7, 14, 28, 1001), (0, 14, 28, 999)], 10, 30),
    ]
    mp2, mp3 = multiplane_masks(0, rois, detector)
    expected = np.zeros((10, 30), dtype=np.bool_)
    expected[6:9, 10:20] = True  # the bin in which both references are active
    assert (mp2 == expected).all()
    active = np.zeros_like(expected)
    active[6, 10:20] = True  # wire 7 stays below 500, wire 8 has no ROI
    assert (mp3 == active).all()
    mp2, mp3 = multiplane_masks(0, rois, detector, dead=np.arange(10) == 6)
    assert (mp2[6] | mp3[6]).sum() == 0
    assert (mp2[7:] == expected[7:]).all()


@pytest.mark.parametrize("target", [0, 1, 2])
def test_against_a_loop_over_all_pairs(target: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo_dnn_roi.physics.multiplane._PAIRS_AT_ONCE", 7)
    rng = np.random.default_rng(target)
    detector = protodune_hd(wires=24, ticks=64)
    rois = [
        plane([(w, 9 * k, 9 * k + int(rng.integers(2, 9)), float(rng.choice([300, 800, 2000])))
               for w in range(p.wires) for k in range(7) if rng.random() < 0.3], p.wires, 64)
        for p in detector.planes
    ]  # fmt: skip
    settings = Coincidence(ticks_per_bin=4)
    one, two = (index for index in range(3) if index != target)
    features = [feature_map(part, 4) for part in rois]
    near = np.zeros(features[target].shape, dtype=np.bool_)
    reference = [feature > 1000 for feature in features]
    for i, j, k in np.ndindex(*reference[one].shape[:1], *reference[two].shape):
        if reference[one][i, k] and reference[two][j, k]:
            y, z = detector.position(
                detector.planes[one], detector.planes[two], np.array(i + 0.5), np.array(j + 0.5)
            )
            wire = math.floor(float(detector.planes[target].wire(y, z)) + 1e-9)
            if 0 <= wire < len(near):
                near[max(wire - 1, 0) : wire + 2, k] = True
    assert 0 < near.mean() < 1
    mp2, mp3 = multiplane_masks(target, rois, detector, settings)
    assert (mp2[:, ::4] == near).all()
    assert (mp3[:, ::4] == (near & (features[target] > 500))).all()
    assert (mp2 == np.repeat(mp2[:, ::4], 4, axis=1)).all()


def test_planes_that_do_not_fit_are_refused() -> None:
    detector = protodune_hd(wires=24, ticks=64)
    rois = [plane([], p.wires, 64) for p in detector.planes]
    assert not multiplane_masks(0, rois, detector)[0].any()
    with pytest.raises(DataError, match="24"):
        multiplane_masks(0, rois[:2], detector)
    with pytest.raises(DataError, match="one readout"):
        multiplane_masks(0, [*rois[:2], plane([], rois[2].final.wires, 60)], detector)
