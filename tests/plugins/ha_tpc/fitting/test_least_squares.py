import numpy as np
import pytest

from zoo_ha_tpc.fitting.circles import CURVATURE_PER_TESLA, Arcs
from zoo_ha_tpc.fitting.least_squares import KINKS, Fit, fit_arcs
from zoo_ha_tpc.fitting.robust import Matter, Points, robust_fit
from zoo_ha_tpc.fitting.scattering import angle_variance


def equidistant(number: int, length: float, curvature: float = 1e-5) -> tuple[Arcs, np.ndarray]:
    arc = Arcs(*(np.array([value]) for value in (0.0, 0.0, 0.0, curvature)))
    return arc, np.linspace(0, length, number)


def fitted(
    number: int, length: float, sigma: float, variance: float | None, kinks: int = KINKS
) -> Fit:
    arc, path = equidistant(number, length)
    far = [arc.at(np.array([one])) for one in path]
    z, y = (np.array([[getattr(one, name)[0] for one in far]]) for name in ("z_mm", "y_mm"))
    given = None if variance is None else np.array([variance])
    return fit_arcs(
        arc, z, y, np.full(z.shape, sigma**-2), steps=2, angle_variance=given, kinks=kinks
    )


def test_the_error_of_the_curvature_is_gluckstern_s() -> None:
    # Gluckstern, NIM 24 (1963) 381: N + 1 equidistant points of error e over a length L have
    # sigma_k = e / L^2 sqrt(720 N^3 / ((N - 1)(N + 1)(N + 2)(N + 3))).
    n, length, sigma = 49, 1000.0, 0.5
    exact = sigma / length**2 * np.sqrt(720 * n**3 / ((n - 1) * (n + 1) * (n + 2) * (n + 3)))
    assert exact == pytest.approx(1.824e-6, rel=1e-3)  # sqrt(13.31) e / L^2
    found = fitted(n + 1, length, sigma, None).covariance[0, 2, 2] ** 0.5
    assert found == pytest.approx(exact, rel=1e-3)


def test_perfect_points_leave_the_curvature_to_scattering() -> None:
    # Of a direction that is a Brownian motion of variance v per mm the best estimate of the
    # curvature is the turn of the whole track over its length: sigma_k = sqrt(v / L).
    variance, length = 1e-8, 1000.0
    found = fitted(400, length, 3e-3, variance, 100).covariance[0, 2, 2] ** 0.5
    assert found == pytest.approx(np.sqrt(variance / length), rel=0.05)


def test_kinks_are_the_covariance_of_scattering() -> None:
    # Generalised least squares with Cov(y(s), y(t)) = v m^2 (3 M - m) / 6, m and M the smaller and
    # the larger of s and t: the integral of a Brownian motion, without any kink.
    variance, sigma, length = 4e-8, 0.4, 1200.0
    path = np.linspace(0, length, 60)
    small, large = np.minimum.outer(path, path), np.maximum.outer(path, path)
    covariance = variance * small**2 * (3 * large - small) / 6 + sigma**2 * np.eye(60)
    design = np.stack([np.ones(60), path, path**2 / 2], 1)
    exact = np.linalg.inv(design.T @ np.linalg.solve(covariance, design))
    found = fitted(60, length, sigma, variance).covariance[0]
    np.testing.assert_allclose(np.sqrt(np.diag(found)), np.sqrt(np.diag(exact)), rtol=0.02)


def test_points_of_a_circle_give_its_parameters() -> None:
    arc, path = equidistant(40, 1200.0, 4e-4)
    far = [arc.at(np.array([one])) for one in path]
    z, y = (np.array([[getattr(one, name)[0] for one in far]]) for name in ("z_mm", "y_mm"))
    start = Arcs(np.array([1.0]), np.array([-2.0]), np.array([0.05]), np.array([2e-4]))
    points = Points(z, y, np.full(z.shape, 0.3), np.ones(z.shape, bool))
    found = robust_fit(points, start, 0.2, Matter()).plain
    assert found.arcs.curvature[0] == pytest.approx(4e-4, rel=1e-4)
    assert found.arcs.phi[0] == pytest.approx(4e-4 * found.arcs.z_mm[0], abs=1e-5)
    np.testing.assert_allclose(found.distance_mm, 0, atol=1e-3)


def test_a_point_far_away_is_not_used_and_changes_nothing() -> None:
    arc, path = equidistant(40, 1200.0, 1e-5)
    far = [arc.at(np.array([one])) for one in path]
    z, y = (np.array([[getattr(one, name)[0] for one in far]]) for name in ("z_mm", "y_mm"))
    y[0, 12] += 9.0
    points = Points(z, y, np.full(z.shape, 0.3), np.ones(z.shape, bool))
    found = robust_fit(points, arc, 0.2, Matter())
    assert not found.used[0, 12]
    assert found.used.sum() == 39
    assert found.plain.arcs.curvature[0] == pytest.approx(1e-5, abs=1e-8)
    assert found.plain.distance_mm[0, 12] == pytest.approx(9.0, abs=0.01)


def test_too_few_points_have_large_errors_and_stay_finite() -> None:
    arc, _ = equidistant(2, 100.0)
    for number in (0, 1, 2):
        z, y = np.linspace(0, 50, 3)[None], np.zeros((1, 3))
        weight = np.where(np.arange(3) < number, 4.0, 0.0)[None]
        found = fit_arcs(arc, z, y, weight, steps=2, angle_variance=np.array([1e-9]))
        assert np.isfinite(found.covariance).all()
        error = found.covariance[0, 2, 2] ** 0.5 / (0.2 * CURVATURE_PER_TESLA)
        assert error > 20  # c/GeV: no curvature can be told


def test_scattering_is_that_of_the_review() -> None:
    # 13.6 MeV / 500 MeV sqrt(0.01) (1 + 0.038 ln 0.01) = 2.244 mrad for beta = 1 (PDG review).
    variance = angle_variance(np.array([2.0]), np.array([1000.0]), 0.0, 1e5)
    assert np.sqrt(variance[0] * 1000) == pytest.approx(2.244e-3, rel=1e-3)


def test_slow_particles_scatter_more() -> None:
    # beta = p / E: for a muon of 0.1056583755 GeV/c, 1/sqrt(2).
    mass = 0.1056583755
    slow, fast = (
        angle_variance(np.array([1 / mass]), np.array([1000.0]), m, 1e5)[0] for m in (mass, 0.0)
    )
    logs = (1 + 0.038 * np.log(0.02)) / (1 + 0.038 * np.log(0.01))
    assert np.sqrt(slow / fast) == pytest.approx(np.sqrt(2) * logs, rel=1e-6)
