import numpy as np
import pytest

from zoo_ha_tpc.fitting.circles import CURVATURE_PER_TESLA, Arcs, shapes


def one_arc(curvature: float, phi: float = 0.3) -> Arcs:
    return Arcs(*(np.array([value]) for value in (10.0, -20.0, phi, curvature)))


def points_on(arc: Arcs, path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the circle about its centre, independent of the module."""
    radius = 1 / arc.curvature[0]
    centre_z = arc.z_mm[0] - radius * np.sin(arc.phi[0])
    centre_y = arc.y_mm[0] + radius * np.cos(arc.phi[0])
    angle = arc.phi[0] + path / radius
    return centre_z + radius * np.sin(angle), centre_y - radius * np.cos(angle)


def test_one_tesla_bends_one_gev_on_a_radius_of_3336_mm() -> None:
    # p = 0.2998 B R (PDG, "Electromagnetic relations"): 1 GeV/c in 1 T is R = 3.3356 m.
    assert pytest.approx(3335.64, abs=0.01) == 1 / CURVATURE_PER_TESLA


@pytest.mark.parametrize("curvature", [3e-4, -3e-4, 6e-5])
def test_points_of_a_circle_have_their_path_and_no_distance(curvature: float) -> None:
    arc, path = one_arc(curvature), np.array([-100.0, 0.0, 50.0, 900.0, 1500.0])
    z, y = points_on(arc, path)
    found, distance = arc.place(z[None], y[None])
    np.testing.assert_allclose(found[0], path, atol=1e-6)
    np.testing.assert_allclose(distance[0], 0, atol=1e-8)


def test_a_point_towards_the_centre_of_a_positive_curvature_has_a_positive_distance() -> None:
    arc = one_arc(3e-4)
    radius = 1 / 3e-4
    toward = Arcs(arc.z_mm, arc.y_mm, arc.phi, np.array([1 / (radius - 2.0)]))
    z, y = points_on(toward, np.array([0.0]))
    # The circle of the same direction, 2 mm nearer to the same centre.
    z, y = z - 2.0 * np.sin(arc.phi), y + 2.0 * np.cos(arc.phi)
    assert arc.place(z[None], y[None])[1][0, 0] == pytest.approx(2.0, abs=1e-9)


def test_a_straight_arc_measures_in_a_straight_line() -> None:
    found, distance = one_arc(0.0, 0.0).place(np.array([[1010.0]]), np.array([[-15.0]]))
    assert found[0, 0] == pytest.approx(1000.0, abs=1e-3)
    assert distance[0, 0] == pytest.approx(5.0, abs=1e-3)


def test_an_arc_goes_on_where_its_points_are_and_back() -> None:
    arc = one_arc(-2e-4)
    far = arc.at(np.array([700.0]))
    z, y = points_on(arc, np.array([700.0]))
    np.testing.assert_allclose([far.z_mm[0], far.y_mm[0]], [z[0], y[0]], atol=1e-9)
    back = far.reversed().at(np.array([700.0]))
    np.testing.assert_allclose([back.z_mm[0], back.y_mm[0]], [10.0, -20.0], atol=1e-9)
    assert back.curvature[0] == 2e-4


@pytest.mark.parametrize("which", [0, 1, 2])
def test_shapes_are_the_derivatives_of_the_distance(which: int) -> None:
    arc, small = one_arc(4e-4), (1e-3, 1e-7, 1e-10)[which]
    change = [np.zeros(1), np.zeros(1), np.zeros(1)]
    change[which] += small
    path = np.array([0.0, 300.0, 900.0])
    z, y = points_on(arc, path)
    moved = arc.moved(*change).place(z[None], y[None])[1][0]
    np.testing.assert_allclose(-moved / small, shapes(np.array([4e-4]), path)[which], rtol=1e-4)
