"""Field responses: the file reader and the closed form."""

from __future__ import annotations

import bz2
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError
from zoo_dnn_roi.physics.analytic_response import (
    WIDER_MM,
    analytic_field_response,
    shape_of,
    strip_potential,
)
from zoo_dnn_roi.physics.field_response import FieldResponse, load_field_response
from zoo_dnn_roi.physics.geometry import protodune_hd


def _current(position: float) -> list[float]:
    """A current that tells its path: the distance from the wire, and whether it is on the left."""
    return [abs(position), float(position < 0), 0.0]


def _document(drop: int = 0) -> dict[str, Any]:
    """A file of three planes, five wires, paths at k - d pitches for d = 0 to 0.5."""
    positions = [k - d / 10 for k in range(-2, 3) for d in range(6)][drop:]
    paths = [
        {"PathResponse": {"pitchpos": 4.0 * x, "current": {"array": {"elements": _current(x)}}}}
        for x in positions
    ]
    planes = [{"PlaneResponse": {"planeid": p, "pitch": 4.0, "paths": paths}} for p in range(3)]
    return {"FieldResponse": {"period": 100.0, "planes": planes}}


def _write(path: Path, document: object) -> Path:
    raw = json.dumps(document).encode()
    path.write_bytes(bz2.compress(raw) if path.suffix == ".bz2" else raw)
    return path


@pytest.mark.parametrize("name", ["response.json", "response.json.bz2"])
def test_file_gives_all_impact_positions_by_mirror_symmetry(tmp_path: Path, name: str) -> None:
    response = load_field_response(_write(tmp_path / name, _document()))
    assert response.currents.shape == (3, 5, 11, 3)
    assert response.period_ns == 100.0
    assert response.pitches_mm == (4.0, 4.0, 4.0)
    position = np.arange(-2, 3)[:, None] + np.arange(-5, 6)[None] / 10
    # Distances are right everywhere: the mirror of a path is as far from its wire.
    np.testing.assert_allclose(response.currents[1, ..., 0], np.abs(position), atol=1e-12)


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _wrong_kind(path: Path) -> None:
    _write(path, [1, 2, 3])


def _no_pitch(path: Path) -> None:
    document = _document()
    del document["FieldResponse"]["planes"][0]["PlaneResponse"]["pitch"]
    _write(path, document)


def _missing_path(path: Path) -> None:
    _write(path, _document(drop=1))


def _two_planes(path: Path) -> None:
    document = _document()
    document["FieldResponse"]["planes"].pop()
    _write(path, document)


def _ragged(path: Path) -> None:
    document = _document()
    plane = document["FieldResponse"]["planes"][0]["PlaneResponse"]
    plane["paths"] = [json.loads(json.dumps(entry)) for entry in plane["paths"]]
    plane["paths"][0]["PathResponse"]["current"]["array"]["elements"].append(1.0)
    _write(path, document)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncated, "cannot be read"),
        (Path.unlink, "cannot be read"),
        (_wrong_kind, "not a Wire-Cell field response"),
        (_no_pitch, "pitch"),
        (_missing_path, "pitches from the wire"),
        (_two_planes, "instead of three"),
        (_ragged, "not a Wire-Cell field response"),
    ],
)
def test_damaged_files_are_named(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    path = _write(tmp_path / "response.json.bz2", _document())
    damage(path)
    with pytest.raises(DataError, match=message) as error:
        load_field_response(path)
    assert str(path) in error.value.where


def test_a_response_checks_its_currents() -> None:
    with pytest.raises(DataError, match="shape"):
        FieldResponse("x", 100.0, np.zeros((3, 4, 11, 5)))
    with pytest.raises(DataError, match="not finite"):
        FieldResponse("x", 100.0, np.full((3, 5, 11, 5), np.nan))


def test_strips_that_tile_a_plane_make_a_parallel_plate() -> None:
    height = np.linspace(0.05, 0.95, 7)
    strips = strip_potential(np.arange(-60, 61)[:, None] + 0.3, height, 1.0, 1.0)
    # The potential between two plates falls linearly: 1 - y / d.
    np.testing.assert_allclose(strips.sum(axis=0), 1 - height, atol=1e-9)


def test_strip_potential_solves_laplace_and_its_borders() -> None:
    x, y = np.meshgrid(np.linspace(-2, 2, 401), np.linspace(0.2, 1.2, 101))
    potential = strip_potential(x, y, 1.3, 1.4)
    laplacian = (
        potential[1:-1, 2:] + potential[1:-1, :-2] + potential[2:, 1:-1] + potential[:-2, 1:-1]
    ) - 4 * potential[1:-1, 1:-1]
    # The curvatures along x and y are up to 1e-3 a cell; their sum is not.
    assert np.abs(np.diff(potential, 2, axis=1)).max() > 2e-4
    assert np.abs(laplacian).max() < 2e-6
    border = strip_potential(np.array([0.0, 0.6, 0.7, 3.0]), np.array(1e-9), 1.3, 1.4)
    np.testing.assert_allclose(border, [1, 1, 0, 0], atol=1e-6)
    assert strip_potential(np.array(0.2), np.array(1.4), 1.3, 1.4) == pytest.approx(0, abs=1e-9)


def test_analytic_charges_are_those_of_ramo() -> None:
    charge = analytic_field_response().charge()
    # Induction: an electron that passes leaves no net charge on any wire.
    np.testing.assert_allclose(charge[:2], 0, atol=1e-3)
    # Collection: one electron, on the wire whose cell it is in, half and half on a border.
    expected = np.zeros((21, 11))
    expected[10, 1:-1] = -1
    expected[10, [0, -1]] = expected[9, -1] = expected[11, 0] = -0.5
    np.testing.assert_allclose(charge[2], expected, atol=1e-3)


def test_analytic_currents_are_bipolar_and_unipolar() -> None:
    currents = analytic_field_response().currents[:, 10, 5]
    for induction in currents[:2]:
        assert induction.argmin() < induction.argmax()  # approach before departure
        assert induction.max() > 0.5 * -induction.min()
    assert currents[2].max() <= 1e-9 * -currents[2].min()
    # U is passed before V, and V before W.
    arrival = [np.flatnonzero(np.abs(current) > 1e-6)[-1] for current in currents]
    assert arrival == sorted(arrival)


def test_planes_further_apart_are_passed_earlier_and_keep_their_charges() -> None:
    wider = shape_of(protodune_hd(), WIDER_MM)
    usual, wide = analytic_field_response(), analytic_field_response(wider)
    np.testing.assert_allclose(wide.charge(), usual.charge(), atol=1e-3)
    # W stays; V lies 0.5 mm and U 1 mm further up, at 1.565 mm/us in samples of 100 ns.
    passed = [[_change_of_sign(response, plane) for plane in (0, 1)] for response in (usual, wide)]
    np.testing.assert_allclose(np.subtract(*passed), [10 / 1.565, 5 / 1.565], atol=0.2)


def _change_of_sign(response: FieldResponse, plane: int) -> float:
    """Where the current above the wire itself turns from negative to positive, samples."""
    current = response.currents[plane, 10, 5]
    last = np.flatnonzero(current < -1e-9)[-1]
    return float(last + current[last] / (current[last] - current[last + 1]))
