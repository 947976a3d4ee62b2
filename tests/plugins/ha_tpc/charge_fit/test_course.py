"""Courses: places on them, and how parameters move them."""

import numpy as np
import pytest

from zoo_ha_tpc.charge_fit.course import Course
from zoo_ha_tpc.fitting.circles import Arcs
from zoo_ha_tpc.fitting.scattering import kink_paths


@pytest.fixture
def course() -> Course:
    arcs = Arcs(
        np.array([10.0, 500.0]),
        np.array([-40.0, 100.0]),
        np.array([0.3, -2.0]),
        np.array([2e-4, -1e-4]),
    )
    length = np.array([300.0, 900.0])
    return Course(arcs, length, np.zeros((2, 65)), kink_paths(length, 16))


def test_places_lie_on_the_arc(course: Course) -> None:
    track, path = np.repeat([0, 1], 7), np.tile(np.linspace(-20, 250, 7), 2)
    z, y, phi = course.at(track, path)
    for one in (0, 1):
        ours = track == one
        arc = Arcs(
            *(getattr(course.arcs, name)[[one]] for name in ("z_mm", "y_mm", "phi", "curvature"))
        )
        along, off = arc.place(z[None, ours], y[None, ours])
        np.testing.assert_allclose(along[0], path[ours], atol=1e-9)
        np.testing.assert_allclose(off, 0, atol=1e-9)
        np.testing.assert_allclose(phi[ours], arc.phi + arc.curvature * path[ours])


@pytest.mark.parametrize("parameter", [0, 1, 2, 5, 18])
def test_shapes_are_how_far_the_track_moves(course: Course, parameter: int) -> None:
    change = np.zeros((2, 19))
    change[:, parameter] = 0.02
    moved = course.moved(change)
    path = np.array([[5.0, 100.0, 250.0], [40.0, 300.0, 880.0]])
    track = np.array([0, 1])
    told = course.shapes(track, path)[:, parameter] * 0.02
    z, y, phi = course.at(track[:, None], path)
    new_z, new_y, _ = moved.at(track[:, None], path)
    normal = (new_y - y) * np.cos(phi) - (new_z - z) * np.sin(phi)
    # Straight lines between nodes of the course cut a kink's corner.
    np.testing.assert_allclose(normal, told, atol=2e-3)
