"""Generalised least squares in a stretch, against loops over slices and pads."""

from typing import NamedTuple

import numpy as np
import pytest

from zoo_ha_tpc.charge_fit.course import Course
from zoo_ha_tpc.charge_fit.electrons import Electrons, Ionisation
from zoo_ha_tpc.charge_fit.likelihood import TIMES_NS, Readout, Told, slice_mm, told_by
from zoo_ha_tpc.charge_fit.pads import Reports, equations_of
from zoo_ha_tpc.charge_fit.response import Layer, response_of
from zoo_ha_tpc.charge_fit.sampling import sampling_of
from zoo_ha_tpc.charge_fit.stretches import Stretches, stretches_of
from zoo_ha_tpc.fitting.circles import Arcs
from zoo_ha_tpc.fitting.positions import Charges
from zoo_ha_tpc.fitting.scattering import kink_paths
from zoo_ha_tpc.physics.pad_plane import PadPlane

SAMPLING = sampling_of("series", 40.0, 412.0)
LAYER = Layer(rc_ns_mm2=120.0, gain=1493.0, transverse_um_cm=310.0, peaking_ns=412.0)
CHARGES = Charges(4.4, 25.0, 4095.0)
TOGETHER_MM = 10.0


@pytest.fixture(scope="module")
def readout(plane: PadPlane) -> Readout:
    response = response_of(LAYER, (plane.z.pitch_mm, plane.y.pitch_mm), plane.drift_mm)
    return Readout(plane, response, Ionisation(9.5, 60.0, 0.03), CHARGES, SAMPLING)


def course_of(phi: float = 0.8) -> Course:
    arcs = Arcs(np.array([60.0]), np.array([40.0]), np.array([phi]), np.array([1e-4]))
    length = np.array([80.0])
    return Course(arcs, length, np.zeros((1, 65)), kink_paths(length, 16))


def electrons(drift_mm: float) -> Electrons:
    return Electrons(np.array([drift_mm]), np.array([9.5]), np.zeros(1), np.zeros(1))


class Slice(NamedTuple):
    """Path, electrons, their variance; shares of the pads at the nodes and derivatives across."""

    path: float
    number: float
    variance: float
    share: np.ndarray
    across: np.ndarray


def slices(readout: Readout, course: Course, stretches: Stretches, drift_mm: float) -> list[Slice]:
    plane, response, found = readout.plane, readout.response, []
    width = float(slice_mm(np.array([drift_mm]))[0])
    pitch = max(plane.z.pitch_mm, plane.y.pitch_mm)
    length = np.ceil((stretches.length_mm[0] + 5 * pitch) / TOGETHER_MM) * TOGETHER_MM
    drift = response.drift_bin(np.array(drift_mm))
    for start in np.arange(-length / 2, length / 2, width):
        path = stretches.middle_mm[0] + start + width / 2
        z, y, phi = (float(one[0]) for one in course.at(np.array([0]), np.array([path])))
        number, variance = 9.5 * width, 60.0 * width
        if not -8 < path < course.length_mm[0] + 8:
            number, variance = 0.0, 0.0
        elif path < 0 or path > course.length_mm[0]:
            number /= 2
            variance += number**2
        share, across = [], []
        for row, column in zip(stretches.row[0], stretches.column[0], strict=True):
            along_z = np.array((z - plane.z_mm[column]) / plane.z.pitch_mm)
            along_y = np.array((y - plane.y_mm[row]) / plane.y.pitch_mm)
            (of_z, by_z), (of_y, by_y) = (
                response.share(axis, drift, one) for axis, one in enumerate((along_z, along_y))
            )
            share.append(of_z * of_y)
            slope_z, slope_y = by_z / plane.z.pitch_mm, by_y / plane.y.pitch_mm
            across.append(of_z * slope_y * np.cos(phi) - slope_z * of_y * np.sin(phi))
        found.append(Slice(path, number, variance, np.array(share), np.array(across)))
    return found


def mean_nodes(parts: list[Slice]) -> np.ndarray:
    """Charges of pads at the nodes, (P, nodes), without fluctuations."""
    return sum(one.number * one.share for one in parts)


def reports_of(readout: Readout, nodes: np.ndarray) -> Reports:
    """What pads of such charges report."""
    fine = np.arange(100, 2300, 1.0)
    wave = nodes @ readout.response.pulse(0, fine).T
    at = (nodes @ readout.response.pulse(1, fine).T < 0).argmax(1)
    high = wave > wave.max(1)[:, None] / 2
    width = fine[len(fine) - 1 - high[:, ::-1].argmax(1)] - fine[high.argmax(1)]
    return Reports(wave.max(1)[None], fine[at][None], width[None])


def slowly(
    readout: Readout, course: Course, stretches: Stretches, drift_mm: float, reports: Reports
) -> Told:
    """The formulas of the module with the whole covariance, and two rounds for the tails."""
    parts = slices(readout, course, stretches, drift_mm)
    mean = mean_nodes(parts)
    found = equations_of(
        readout.response,
        CHARGES,
        stretches,
        electrons(drift_mm),
        reports,
        sampling=SAMPLING,
        mean=mean[None],
        relative=0.03,
    )
    weights = found.weights[0]

    def seen(shares: np.ndarray) -> np.ndarray:
        return np.einsum("prk,pk->pr", weights, shares).ravel()

    values, across = ([seen(getattr(one, name)) for one in parts] for name in ("share", "across"))
    fixed = np.eye(len(values[0]))
    together = round(TOGETHER_MM / float(slice_mm(np.array([drift_mm]))[0]))
    for first in range(0, len(parts), together):
        group = range(first, first + together)
        number = sum(parts[one].number for one in group)
        moved = sum(parts[one].number * across[one] for one in group)
        fixed += np.outer(moved, moved) * 0.31**2 * drift_mm / 10 / max(number, 1e-9)

    def inverse_of(spread: list[float]) -> np.ndarray:
        ionised = sum(s * np.outer(v, v) for s, v in zip(spread, values, strict=True))
        return np.linalg.inv(fixed + ionised)

    variances = [one.variance + 0.5 * one.number for one in parts]
    inverse, rest = inverse_of(variances), found.right[0].ravel() - seen(mean)
    middle = stretches.middle_mm[0]
    along = [one.path - middle for one in parts]
    moving = [one.number * a for one, a in zip(parts, across, strict=True)]
    line = np.array([sum(moving), sum(s * m for s, m in zip(along, moving, strict=True))])
    normal = line @ inverse @ line.T + np.diag([1e-2, 4.0])
    left = rest - np.linalg.solve(normal, line @ inverse @ rest) @ line
    deviance = left @ inverse @ left - np.linalg.slogdet(inverse)[1]
    spread = []
    for part, value, prior in zip(parts, values, variances, strict=True):
        told, known = value @ inverse @ left, value @ inverse @ value
        second = (prior * told) ** 2 + prior - prior**2 * known
        spread.append((3 * part.variance + second) / 4 + 0.5 * part.number)
    inverse = inverse_of(spread)
    track = np.array([0])
    shapes = [course.shapes(track, np.array([[one.path]]))[0, :, 0] for one in parts]
    places = sum(np.outer(shape, m) for shape, m in zip(shapes, moving, strict=True))
    late = found.by_time[0] * TIMES_NS[0]
    further = late * (stretches.path_mm[0] / course.length_mm[0])[:, None]
    design = np.concatenate([places, late.reshape(1, -1), further.reshape(1, -1)])
    return Told(
        (design @ inverse @ design.T)[None],
        (design @ inverse @ rest)[None],
        np.array([deviance]),
    )


@pytest.mark.parametrize("drift_mm", [400.0, 800.0])
@pytest.mark.parametrize("timed", [True, False])
def test_it_is_the_slow_calculation(readout: Readout, drift_mm: float, timed: bool) -> None:
    course, of = course_of(), electrons(drift_mm)
    stretches = stretches_of(readout.plane, course, readout.response, of, 25.0)
    assert len(stretches.track) == 1
    rng = np.random.default_rng(5)
    nodes = mean_nodes(slices(readout, course, stretches, drift_mm))
    reports = reports_of(readout, nodes * rng.uniform(0.7, 1.4, (len(nodes), 1)))
    reports.charge[0, 3] = 0.0
    reports.time_ns[0] += rng.normal(0, 5, len(nodes))
    if not timed:
        unknown = np.full_like(reports.charge, np.nan)
        reports = Reports(reports.charge, unknown, unknown)
    found = told_by(readout, course, of, stretches, reports)
    expected = slowly(readout, course, stretches, drift_mm, reports)
    size = np.abs(expected.information).max()
    np.testing.assert_allclose(found.information, expected.information, rtol=1e-3, atol=1e-6 * size)
    np.testing.assert_allclose(found.right, expected.right, rtol=2e-3, atol=1e-2)
    np.testing.assert_allclose(found.deviance, expected.deviance, rtol=1e-4)


@pytest.mark.parametrize("phi", [0.05, 0.8, 1.5])
def test_pads_of_a_moved_track_tell_how_far(readout: Readout, phi: float) -> None:
    course, of = course_of(phi), electrons(400.0)
    change = np.zeros((1, 19))
    change[0, 0] = 0.4  # mm
    stretches = stretches_of(readout.plane, course, readout.response, of, 25.0)
    nodes = mean_nodes(slices(readout, course.moved(change), stretches, 400.0))
    told = told_by(readout, course, of, stretches, reports_of(readout, nodes))
    offset = told.right[0, 0] / told.information[0, 0, 0]
    assert offset == pytest.approx(0.4, abs=0.08)
    # One parameter is told to much less than a pad, by ten pads or so.
    assert 0.03 < told.information[0, 0, 0] ** -0.5 < 0.4
