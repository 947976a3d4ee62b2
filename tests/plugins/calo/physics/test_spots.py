"""Energies of single tracks in cells."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import moyal as scipy_moyal

from zoo_calo.physics.spots import MEAN_FAR, MEAN_NEAR, crossing, far_share, moyal


def test_means_of_the_spectra() -> None:
    uniforms = (np.arange(200_000) + 0.5) / 200_000
    one = np.ones(len(uniforms))
    for far, slant, mean in (
        (0.0, 1.0, MEAN_NEAR),
        (1.0, 2.0, MEAN_FAR),
        (0.3, 2.0, 0.7 * 2 * MEAN_NEAR + 0.3 * MEAN_FAR),
    ):
        assert crossing(uniforms, far * one, slant * one).mean() == pytest.approx(mean)
    # As Geant4 has them beyond 10 mm and within 2 mm (crossings.py, other showers).
    assert pytest.approx(1.469, rel=0.03) == MEAN_NEAR
    assert pytest.approx(2.098, rel=0.03) == MEAN_FAR


def test_near_the_axis_most_tracks_are_minimum_ionising() -> None:
    uniforms = (np.arange(10_000) + 0.5) / 10_000
    near = crossing(uniforms, np.zeros(10_000), np.ones(10_000))
    assert ((near > 0.8) & (near < 1.6)).mean() > 0.6
    assert far_share(np.array([0.0, 3.0, 1e6])) == pytest.approx([0, 0.5, 1])


def test_moyals_distribution_is_scipys() -> None:
    normals = np.random.default_rng(4).standard_normal(50_000)
    found = (moyal(normals, 0.1) - 1) / 0.1
    quantiles = np.quantile(found, [0.1, 0.5, 0.9])
    # scipy's has its mode at 0 and this one's -ln(chi2): the same variable.
    assert quantiles == pytest.approx(scipy_moyal.ppf([0.1, 0.5, 0.9]), abs=0.05)
