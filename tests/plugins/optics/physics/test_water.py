"""Water and Cherenkov light against published numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo.api import ConfigError
from zoo_optics.physics.water import C_CM_NS, cherenkov_photons_per_cm, water


@pytest.mark.parametrize(
    ("wavelength", "absorption_m", "rayleigh_m"),
    [(400, 553, 132), (450, 198, 231), (500, 62.8, 379)],
)
def test_lengths_are_those_of_wcsim(
    wavelength: float, absorption_m: float, rayleigh_m: float
) -> None:
    """WCSim at 8cc7f87 with its defaults ABWFF 1.30 and RAYFF 0.75."""
    medium = water()
    at = np.array(float(wavelength))
    assert float(medium.at(medium.absorption_cm, at)) / 100 == pytest.approx(
        absorption_m, rel=0.003
    )
    assert float(medium.at(medium.scattering_cm, at)) / 100 == pytest.approx(rayleigh_m, rel=0.003)


@pytest.mark.realdata
def test_the_table_is_that_of_the_file(real_data: Path) -> None:
    text = (real_data / "optics/wcsim/water_optics_wcsim.csv").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line and line[0].isdigit()]
    table = np.array([[float(x) for x in row.split(",")] for row in rows])
    medium = water(1.0, 1.0)
    np.testing.assert_array_equal(medium.wavelength_nm, table[:, 0])
    np.testing.assert_array_equal(medium.index, table[:, 1])
    np.testing.assert_array_equal(medium.absorption_cm, table[:, 2])
    np.testing.assert_array_equal(medium.scattering_cm, table[:, 3])


def test_pulses_are_slower_than_waves() -> None:
    """n of water at 400 nm is 1.3435 to 1.344 (Quan and Fry, Appl. Opt. 34 (1995) 3477).

    Its group index from their formula at 20 degrees without salt: 1.3435 + 400 nm x 9.6e-5 / nm.
    """
    medium = water()
    at = np.array(400.0)
    assert float(medium.at(medium.index, at)) == pytest.approx(quan_fry(400), abs=0.001)
    slope = (quan_fry(401) - quan_fry(399)) / 2
    group = float(medium.at(medium.group_index, at))
    assert group == pytest.approx(quan_fry(400) - 400 * slope, rel=0.005)
    assert 21.5 < C_CM_NS / group < 22


def quan_fry(nm: float) -> float:
    """Equation 3 there, at 20 degrees Celsius and no salt."""
    return (
        1.31405 - 2.02e-6 * 20**2 + (15.868 - 0.00423 * 20) / nm - 4382 / nm**2 + 1.1455e6 / nm**3
    )


@pytest.mark.parametrize("index", [1.33, 1.34])
def test_photons_and_angle_of_a_fast_charge(index: float) -> None:
    """PDG: 369.81 sin^2(theta) photons per eV and cm; 1 eV is 1239.84 nm."""
    count, angle = cherenkov_photons_per_cm(np.array(index), 1.0, 300.0, 650.0)
    energies = 1239.84 * (1 / 300 - 1 / 650)
    assert count == pytest.approx(369.81 * (1 - 1 / index**2) * energies, rel=1e-3)
    assert 357 < count < 366
    assert np.rad2deg(angle) == pytest.approx({1.33: 41.2, 1.34: 41.7}[index], abs=0.06)


def test_a_slow_charge_does_not_shine() -> None:
    assert cherenkov_photons_per_cm(np.array(1.33), 1 / 1.329, 300.0, 650.0)[0] > 0
    assert cherenkov_photons_per_cm(np.array(1.33), 1 / 1.331, 300.0, 650.0) == (0.0, 0.0)
    # A muon of 120 MeV/c is at the threshold in water: its beta is 120 / sqrt(120^2 + 105.658^2).
    beta = 120 / np.hypot(120, 105.658)
    assert 1 / beta == pytest.approx(1.333, abs=0.005)


def test_factors_scale_the_lengths() -> None:
    plain, other = water(1.0, 1.0), water(2.0, 0.5)
    np.testing.assert_allclose(other.absorption_cm, 2 * plain.absorption_cm)
    np.testing.assert_allclose(other.scattering_cm, 0.5 * plain.scattering_cm)


def test_wavelengths_outside_of_the_table_are_refused() -> None:
    water().check(300, 500)
    for low, high in ((100, 400), (400, 2000), (500, 300)):
        with pytest.raises(ConfigError, match=f"{low} to {high} nm"):
            water().check(low, high)
