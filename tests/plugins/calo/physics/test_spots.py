"""Energies of single tracks in cells."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import moyal as scipy_moyal

from zoo_calo.physics.spots import MEAN_FAR, MEAN_NEAR, crossing, far_share, moyal


def test_means_of_the_spectra() -> None:
    uniforms = (np.arange(200_000) + 0.5) / 200_000
    for far, mean in ((0.0, MEAN_NEAR), (1.0, MEAN_FAR), (0.3, 0.7 * MEAN_NEAR + 0.3 * MEAN_FAR)):
        assert crossing(uniforms, np.full(len(uniforms), far)).mean() == pytest.approx(mean)


def test_near_the_axis_most_tracks_are_minimum_ionising() -> None:
    uniforms = (np.arange(10_000) + 0.5) / 10_000
    near = crossing(uniforms, np.zeros(10_000))
    assert ((near > 0.8) & (near < 1.6)).mean() > 0.6
    assert far_share(np.array([0.0, 3.0, 1e6])) == pytest.approx([0, 0.5, 1])


def test_moyals_distribution_is_scipys() -> None:
    normals = np.random.default_rng(4).standard_normal(50_000)
    found = (moyal(normals, 0.1) - 1) / 0.1
    quantiles = np.quantile(found, [0.1, 0.5, 0.9])
    # scipy's has its mode at 0 and this one's -ln(chi2): the same variable.
    assert quantiles == pytest.approx(scipy_moyal.ppf([0.1, 0.5, 0.9]), abs=0.05)
