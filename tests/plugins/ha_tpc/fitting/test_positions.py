from typing import Any

import numpy as np
import pytest
from scipy.special import erf

from zoo_ha_tpc.fitting.clusters import COLUMN, Clusters
from zoo_ha_tpc.fitting.positions import Charges, top_of

CHARGES = Charges(noise=4.4, threshold=25.0, saturation=4095.0, relative=1e-4)
PLACES = np.arange(-2, 3)


def clusters(charges: np.ndarray, is_pad: np.ndarray | None = None) -> Clusters:
    """Clusters of columns of a track along z, one a row of ``charges``."""
    shape = (len(charges), 1)
    zero = np.zeros(shape)
    some = np.ones((*shape, 5), bool) if is_pad is None else is_pad[:, None, :]
    return Clusters(
        present=np.ones(shape, bool),
        kind=np.full(shape, COLUMN),
        z_mm=zero,
        y_mm=zero,
        charges=charges[:, None, :],
        is_pad=some,
        pitch_mm=np.full(shape, 10.19),
        across=np.full(shape, np.pi / 2),
        phi=zero,
        time_ns=zero,
        at_gap=np.zeros(shape, bool),
    )


def offsets(charges: np.ndarray, bend: float, error: float, **options: Any) -> np.ndarray:
    found = clusters(charges, **options)
    flat = np.ones(found.present.shape)
    return top_of(found, CHARGES, bend * flat, error * flat).offset[:, 0]


def test_a_gaussian_gives_its_place_whatever_its_width() -> None:
    place = np.linspace(-0.5, 0.5, 11)
    for sigma in (0.4, 0.7):
        charges = 4000 * np.exp(-((PLACES - place[:, None]) ** 2) / (2 * sigma**2))
        found = offsets(charges, -4.0, 1e3)
        np.testing.assert_allclose(found, place, atol=2e-3)


def test_without_prior_it_is_the_logarithmic_formula() -> None:
    low, middle, high = 100.0, 900.0, 300.0
    exact = 0.5 * np.log(high / low) / np.log(middle**2 / (high * low))
    charges = np.array([[0, low, middle, high, 0]])
    assert offsets(charges, -1.0, 1e3)[0] == pytest.approx(exact, rel=1e-3)
    assert exact == pytest.approx(1 / 6, rel=1e-12)  # ln 3 / (2 ln 27)


def test_integrals_over_pads_bias_it_by_less_than_a_fiftieth_of_a_pitch() -> None:
    place = np.linspace(-0.45, 0.45, 19)[:, None]
    scale = np.sqrt(2) * 0.4
    charges = 2000 * (erf((PLACES + 0.5 - place) / scale) - erf((PLACES - 0.5 - place) / scale))
    assert np.abs(offsets(charges, -4.0, 1e3) - place[:, 0]).max() < 0.02


@pytest.mark.parametrize("absent", ["below the threshold", "no pad"])
def test_one_neighbour_and_the_known_width_suffice(absent: str) -> None:
    place, sigma = 0.35, 0.4
    charges = 600 * np.exp(-((PLACES - place) ** 2) / (2 * sigma**2))[None]
    is_pad = np.ones((1, 5), bool)
    if absent == "no pad":
        is_pad[0, :2] = False
    charges[:, :2] = 0
    found = offsets(charges, -1 / sigma**2, 0.05, is_pad=is_pad)[0]
    assert found == pytest.approx(place, abs=0.02)


def test_a_saturated_lead_leaves_the_place_to_its_neighbours() -> None:
    place, sigma = 0.2, 0.5
    charges = 9000 * np.exp(-((PLACES - place) ** 2) / (2 * sigma**2))[None]
    charges = np.minimum(charges, 4095.0)
    assert offsets(charges, -1 / sigma**2, 0.05)[0] == pytest.approx(place, abs=0.01)


def test_a_lone_pad_is_at_its_centre() -> None:
    assert offsets(np.array([[0, 0, 80.0, 0, 0]]), -6.0, 1.0)[0] == 0.0
