"""Wire files: written here from known geometry, damaged on purpose, and ProtoDUNE-HD's own."""

from __future__ import annotations

import bz2
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError
from zoo_dnn_roi.physics.geometry import Detector, Plane, protodune_hd
from zoo_dnn_roi.physics.multiplane import Face, multiplane_masks, straight_face
from zoo_dnn_roi.physics.refine import RefinedRois
from zoo_dnn_roi.physics.runs import BoolArray, from_mask
from zoo_dnn_roi.physics.wire_geometry import WirePlane, load_wires

Store = dict[str, Any]  # decoded JSON


def one_face(detector: Detector) -> Store:
    """A wire file of one anode with one face, channels counted through its planes."""
    store: Store = {"points": [], "wires": [], "planes": [], "faces": [], "anodes": []}
    channel = 0
    for ident, plane in enumerate(detector.planes):
        z, y = plane.direction
        wires = []
        for wire in range(plane.wires):
            place = (wire + 0.5 - plane.wires / 2) * plane.pitch_mm
            for along in (-500.0, 700.0):
                point = {"x": 0.0, "y": place * y + along * z, "z": place * z - along * y}
                store["points"].append({"Point": point})
            wires.append(len(store["wires"]))
            ends = {"tail": len(store["points"]) - 2, "head": len(store["points"]) - 1}
            store["wires"].append({"Wire": {"ident": wire, "channel": channel, **ends}})
            channel += 1
        store["planes"].append({"Plane": {"ident": ident, "wires": wires}})
    store["faces"].append({"Face": {"ident": 0, "planes": [0, 1, 2]}})
    store["anodes"].append({"Anode": {"ident": 5, "faces": [0]}})
    return store


def write(path: Path, store: Store) -> Path:
    path.write_bytes(bz2.compress(json.dumps({"Store": store}).encode()))
    return path


def test_a_written_detector_is_read_back(tmp_path: Path) -> None:
    detector = protodune_hd(wires=24)
    (anode,) = load_wires(write(tmp_path / "w.json.bz2", one_face(detector)))
    assert anode.ident == 5
    for index, (found, plane) in enumerate(zip(anode.faces[0], detector.planes, strict=True)):
        assert found.pitch_mm == pytest.approx(plane.pitch_mm)
        assert found.angle_deg == pytest.approx(plane.angle_deg, abs=1e-9)
        assert (anode.channels(index) == found.channels).all()
    (face,), straight = anode.coincidence_faces(), straight_face(detector)
    for target in range(3):
        assert (face.channels[target] == straight.channels[target]).all()
        one, other = face.crossings[target], straight.crossings[target]
        assert (one.first, one.second, one.offset) == pytest.approx(
            (other.first, other.second, other.offset)
        )


def _rename_plane(store: Store) -> None:
    store["planes"][1]["Plane"]["ident"] = 7


def _move_a_wire(store: Store) -> None:
    store["points"][8]["Point"]["z"] += 1.0


def _drop_the_points(store: Store) -> None:
    del store["points"]


def _point_beyond_the_end(store: Store) -> None:
    store["wires"][3]["Wire"]["head"] = 10**6


def _no_faces(store: Store) -> None:
    store["anodes"][0]["Anode"]["faces"] = []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_rename_plane, r"planes \[0, 7, 2\]"),
        (_move_a_wire, "not evenly spaced"),
        (_drop_the_points, "not a Wire-Cell wire file"),
        (_point_beyond_the_end, "not a Wire-Cell wire file"),
        (_no_faces, "without faces"),
    ],
)
def test_a_damaged_file_is_refused(
    tmp_path: Path, damage: Callable[[Store], None], message: str
) -> None:
    store = one_face(protodune_hd(wires=24))
    damage(store)
    with pytest.raises(DataError, match=message):
        load_wires(write(tmp_path / "w.json.bz2", store))


def test_a_truncated_or_missing_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "w.json.bz2", one_face(protodune_hd(wires=24)))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"w\.json\.bz2"):
        load_wires(path)
    with pytest.raises(DataError, match="absent"):
        load_wires(tmp_path / "absent.json")


def test_parallel_planes_are_refused(tmp_path: Path) -> None:
    planes = (Plane("U", 24, 5.0, 30.0, True), Plane("V", 24, 5.0, 30.0, True))
    detector = Detector(planes=(*planes, Plane("W", 24, 5.0, 0.0, False)))
    (anode,) = load_wires(write(tmp_path / "w.json.bz2", one_face(detector)))
    with pytest.raises(DataError, match="parallel"):
        anode.coincidence_faces()


def rois(mask: BoolArray, peak: float) -> RefinedRois:
    runs = from_mask(mask)
    return RefinedRois(runs, runs, np.full(len(runs), peak, dtype=np.float32))


def test_wrapped_wires_against_a_loop_over_all_pairs() -> None:
    # 16 channels of U and V with 24 wires on each of two faces, from another channel each: eight
    # channels have two wires on a face. W has twelve channels on each face.
    rng = np.random.default_rng(4)
    crossings = straight_face(protodune_hd(wires=24)).crossings
    wires_w = protodune_hd(wires=24).planes[2].wires
    faces = tuple(
        Face(
            (
                (np.arange(24) + shift) % 16,
                (np.arange(24) + 2 * shift) % 16,
                np.arange(wires_w) + (0 if shift else wires_w),
            ),
            crossings,
        )
        for shift in (0, 5)
    )
    u, v, w = protodune_hd(wires=16, ticks=40).planes
    detector = Detector(planes=(u, v, Plane("W", 2 * wires_w, w.pitch_mm, 0.0, False)), ticks=40)
    active = [np.repeat(rng.random((p.wires, 4)) < 0.15, 10, axis=1) for p in detector.planes]
    planes = [rois(mask, 2000.0) for mask in active]
    expected = np.zeros((16, 4), dtype=np.bool_)
    for face in faces:
        for i, j, k in np.ndindex(24, wires_w, 4):
            on_v, on_w = face.channels[1][i], face.channels[2][j]
            if active[1][on_v, 10 * k] and active[2][on_w, 10 * k]:
                centres = np.array(i + 0.5), np.array(j + 0.5)
                hit = int(np.floor(crossings[0].project(*centres)))
                near = [wire for wire in (hit - 1, hit, hit + 1) if 0 <= wire < 24]
                if 0 <= hit < 24:
                    expected[face.channels[0][near], k] = True
    assert 0.1 < expected.mean() < 0.9
    mp2, mp3 = multiplane_masks(0, planes, detector, faces=faces)
    assert (mp2[:, ::10] == expected).all()
    assert (mp3 == (mp2 & active[0])).all()


def _crossing_point(one: WirePlane, i: float, two: WirePlane, j: float) -> tuple[float, float]:
    """(z, y) of two wires by Cramer's rule on the equations of the two lines."""
    first, second = one.origin_mm + i * one.pitch_mm, two.origin_mm + j * two.pitch_mm
    (az, ay), (bz, by) = one.direction, two.direction
    determinant = az * by - ay * bz
    return (first * by - ay * second) / determinant, (az * second - first * bz) / determinant


@pytest.mark.realdata
def test_protodune_hd(real_data: Path) -> None:
    # Expected: the reference of this task, measured on the file: 1148 wires (up to three a
    # channel) on 800 channels, pitch 4.6691 mm at 35.707 degrees; W 480 a face at 4.792 mm.
    anodes = load_wires(real_data / "dnn-roi" / "protodunehd-wires-larsoft-v1.json.bz2")
    assert [len(anode.faces) for anode in anodes] == [2, 2, 2, 2]
    for number, anode in enumerate(anodes):
        counts = [len(anode.channels(plane)) for plane in range(3)]
        assert counts == [800, 800, 960]
        first = 2560 * number
        assert anode.channels(0)[0] == first
        assert anode.channels(2)[-1] == first + 2559
        for face in anode.faces:
            assert [len(plane.channels) for plane in face] == [1148, 1148, 480]
            pitches = [plane.pitch_mm for plane in face]
            assert pitches == pytest.approx([4.6691, 4.6691, 4.792], abs=2e-4)
            angles = [plane.angle_deg for plane in face]
            assert np.abs(angles) == pytest.approx([35.707, 35.707, 0], abs=1e-3)
            assert angles[0] * angles[1] < 0
        on_both = np.concatenate([face[0].channels for face in anode.faces])
        assert np.bincount(on_both - first).max() == 3


@pytest.mark.realdata
def test_crossings_of_protodune_hd_against_lines_in_the_plane(real_data: Path) -> None:
    anode = load_wires(real_data / "dnn-roi" / "protodunehd-wires-larsoft-v1.json.bz2")[1]
    rng = np.random.default_rng(1)
    for planes, face in zip(anode.faces, anode.coincidence_faces(), strict=True):
        for target in range(3):
            one, two = (planes[index] for index in range(3) if index != target)
            for i, j in rng.uniform(0, 480, (20, 2)):
                z, y = _crossing_point(one, i, two, j)
                along = z * planes[target].direction[0] + y * planes[target].direction[1]
                wire = (along - planes[target].origin_mm) / planes[target].pitch_mm
                found = face.crossings[target].project(np.array(i), np.array(j))
                assert float(found) == pytest.approx(wire, abs=1e-6)
