"""Generalised least squares in a stretch, against loops over slices and pads."""

import numpy as np
import pytest

from zoo_ha_tpc.charge_fit import likelihood
from zoo_ha_tpc.charge_fit.course import Course
from zoo_ha_tpc.charge_fit.electrons import Electrons, Ionisation
from zoo_ha_tpc.charge_fit.likelihood import Readout, Told, told_by
from zoo_ha_tpc.charge_fit.response import Layer, response_of
from zoo_ha_tpc.charge_fit.stretches import Stretches, stretches_of
from zoo_ha_tpc.fitting.circles import Arcs
from zoo_ha_tpc.fitting.positions import Charges
from zoo_ha_tpc.fitting.scattering import kink_paths
from zoo_ha_tpc.physics.pad_plane import PadPlane

LAYER = Layer(rc_ns_mm2=120.0, gain=1493.0, transverse_um_cm=310.0, peaking_ns=412.0)
SLICE_MM = 4.0


@pytest.fixture(scope="module")
def readout(plane: PadPlane) -> Readout:
    response = response_of(LAYER, (plane.z.pitch_mm, plane.y.pitch_mm), plane.drift_mm)
    return Readout(plane, response, Ionisation(9.5, 60.0, 0.03), Charges(4.4, 25.0, 4095.0))


def course_of(phi: float = 0.8) -> Course:
    arcs = Arcs(np.array([60.0]), np.array([40.0]), np.array([phi]), np.array([1e-4]))
    length = np.array([80.0])
    return Course(arcs, length, np.zeros((1, 65)), kink_paths(length, 16))


ELECTRONS = Electrons(np.array([400.0]), np.array([9.5]))


def mean_charges(readout: Readout, course: Course, stretches: Stretches) -> np.ndarray:
    """Charges of pads, (P,), of a course without fluctuations, slice by slice."""
    return sum(number * value for _, number, _, value, *_ in slices(readout, course, stretches))


def slices(readout: Readout, course: Course, stretches: Stretches) -> list[tuple]:
    """Path, electrons, their variance, ADC per electron (P,), derivatives across, in z, in y."""
    plane, response, found = readout.plane, readout.response, []
    number = likelihood._SLICES
    for index in range(number):
        path = stretches.middle_mm[0] + (index - (number - 1) / 2) * SLICE_MM
        if not -8 < path < course.length_mm[0] + 8:
            continue
        z, y, phi = (float(one[0]) for one in course.at(np.array([0]), np.array([path])))
        electrons, variance = 9.5 * SLICE_MM, 60.0 * SLICE_MM
        if path < 0 or path > course.length_mm[0]:
            electrons /= 2
            variance += electrons**2
        seen = np.array(
            [
                response.of(
                    response.drift_bin(np.array(400.0)),
                    np.array((z - plane.z_mm[column]) / plane.z.pitch_mm),
                    np.array((y - plane.y_mm[row]) / plane.y.pitch_mm),
                    time,
                )
                for row, column, time in zip(
                    stretches.row[0], stretches.column[0], stretches.time[0], strict=True
                )
            ],
            np.float64,
        )
        by_z, by_y = seen[:, 1] / plane.z.pitch_mm, seen[:, 2] / plane.y.pitch_mm
        across = by_y * np.cos(phi) - by_z * np.sin(phi)
        found.append((path, electrons, variance, seen[:, 0], across, by_z, by_y))
    return found


def slowly(readout: Readout, course: Course, stretches: Stretches, charge: np.ndarray) -> Told:
    """The formulas of the module, with two rounds for the tails."""
    parts = slices(readout, course, stretches)
    mean = mean_charges(readout, course, stretches)
    noise = np.diag(4.4**2 + (0.03 * mean) ** 2 + np.where(charge > 0, 0, 0.15 * 25**2))
    diffused = (0.31**2) * 400 / 10
    fixed = noise + sum(
        number * diffused * (np.outer(z, z) + np.outer(y, y)) for _, number, _, _, _, z, y in parts
    )
    variances = [variance + 0.5 * number for _, number, variance, *_ in parts]
    seen = np.where(charge > 0, charge - 0.35 * 4.4, 0.6 * 25)

    def inverse_of(spread: list[float]) -> np.ndarray:
        values = [part[3] for part in parts]
        return np.linalg.inv(
            fixed + sum(s * np.outer(v, v) for s, v in zip(spread, values, strict=True))
        )

    inverse, rest = inverse_of(variances), seen - mean
    middle = stretches.middle_mm[0]
    line = np.array(
        [
            sum(number * across for _, number, _, _, across, *_ in parts),
            sum(number * (path - middle) * across for path, number, _, _, across, *_ in parts),
        ]
    )
    normal = line @ inverse @ line.T + np.diag([1e-2, 4.0])
    left = rest - np.linalg.solve(normal, line @ inverse @ rest) @ line
    deviance = left @ inverse @ left - np.linalg.slogdet(inverse)[1]
    spread = []
    for part, prior in zip(parts, variances, strict=True):
        told, known = part[3] @ inverse @ left, part[3] @ inverse @ part[3]
        second = (prior * told) ** 2 + prior - prior**2 * known
        spread.append((3 * part[2] + second) / 4 + 0.5 * part[1])
    inverse = inverse_of(spread)
    shapes = [course.shapes(np.array([0]), np.array([[part[0]]]))[0, :, 0] for part in parts]
    design = sum(
        np.outer(shape, part[1] * part[4]) for shape, part in zip(shapes, parts, strict=True)
    )
    return Told(
        (design @ inverse @ design.T)[None],
        (design @ inverse @ rest)[None],
        np.array([deviance]),
    )


def test_it_is_the_slow_calculation(readout: Readout) -> None:
    course = course_of()
    stretches = stretches_of(readout.plane, course, readout.response, ELECTRONS, 25.0)
    assert len(stretches.track) == 1
    rng = np.random.default_rng(5)
    charge = mean_charges(readout, course, stretches) * rng.uniform(
        0.7, 1.4, stretches.row.shape[1]
    )
    charge[3] = 0.0
    found = told_by(readout, course, ELECTRONS, stretches, charge[None])
    expected = slowly(readout, course, stretches, charge)
    np.testing.assert_allclose(found.information, expected.information, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.right, expected.right, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.deviance, expected.deviance, rtol=1e-5)


@pytest.mark.parametrize("phi", [0.05, 0.8, 1.5])
def test_charges_of_a_moved_track_tell_how_far(readout: Readout, phi: float) -> None:
    course = course_of(phi)
    change = np.zeros((1, 19))
    change[0, 0] = 0.4  # mm
    stretches = stretches_of(readout.plane, course, readout.response, ELECTRONS, 25.0)
    noiseless = mean_charges(readout, course.moved(change), stretches)
    charge = np.maximum(noiseless + 0.35 * 4.4, 26.0)
    told = told_by(readout, course, ELECTRONS, stretches, charge[None])
    offset = told.right[0, 0] / told.information[0, 0, 0]
    assert offset == pytest.approx(0.4, abs=0.08)
    # One parameter is told to much less than a pad, by the charges of ten pads or so.
    assert 0.05 < told.information[0, 0, 0] ** -0.5 < 0.5


def test_pads_of_another_module_see_nothing(readout: Readout) -> None:
    plane = readout.plane
    edge = plane.z_mm[35] + plane.z.pitch_mm / 2
    arcs = Arcs(np.array([edge - 30]), np.array([100.0]), np.array([0.0]), np.array([1e-5]))
    length = np.array([29.0])
    course = Course(arcs, length, np.zeros((1, 65)), kink_paths(length, 16))
    columns = np.array([[34, 35, 36]])
    rows = np.full((1, 3), int(np.abs(plane.y_mm - 100).argmin()))
    stretches = Stretches(
        np.zeros(1, int),
        np.array([15.0]),
        np.ones((1, 3), bool),
        rows,
        columns,
        np.full((1, 3), 3),
        np.ones((1, 3)),
    )
    slices_found = likelihood._slices_of(readout, course, ELECTRONS.per_mm, stretches)
    seen = likelihood._seen(plane, slices_found, stretches, readout.response, np.array([13]))
    near = np.abs(slices_found.z - plane.z_mm[36]) < 2 * plane.z.pitch_mm
    assert near.any()
    before = slices_found.z[0] < edge
    assert (seen[0, before, 1, 0] > 0).any()
    assert not seen[0, before, 2].any()
