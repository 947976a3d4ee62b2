"""Attenuation and diffusion against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoo.api import DataError, generator
from zoo_dnn_roi.physics.depos import Depos
from zoo_dnn_roi.physics.drift import drift
from zoo_dnn_roi.physics.geometry import protodune_hd


def _depos(x: list[float], electrons: float = 1e4, time: float = 0.0) -> Depos:
    zero = np.zeros(len(x))
    return Depos(np.array(x), zero, zero, zero + time, zero + electrons)


def test_one_millisecond_of_drift() -> None:
    clouds = drift(_depos([1565.0], time=250.0), protodune_hd())
    assert clouds.tick[0] == pytest.approx(2000.5)  # 1 ms and 250 ns in ticks of 500 ns
    # sqrt(2 D t): D_L = 7.2 cm2/s gives 0.12 cm, D_T = 12 cm2/s gives 0.15492 cm after 1 ms.
    assert clouds.sigma_ticks[0] * 0.7825 == pytest.approx(1.2)
    assert clouds.sigma_mm[0] == pytest.approx(1.5492, rel=1e-4)
    assert clouds.electrons[0] == pytest.approx(1e4 * np.exp(-1 / 8))  # lifetime 8 ms


@pytest.mark.parametrize("lifetime_ms", [8.0, 3.0, 35.0])
def test_attenuation_is_binomial(lifetime_ms: float) -> None:
    depos = _depos([1565.0] * 20000, electrons=1000)
    detector = replace(protodune_hd(), lifetime_ms=lifetime_ms)
    electrons = drift(depos, detector, np.random.default_rng(2)).electrons
    p = np.exp(-1 / lifetime_ms)
    # Mean n p and variance n p (1 - p); five standard errors of 20000 draws.
    assert electrons.mean() == pytest.approx(1000 * p, abs=5 * np.sqrt(1000 * p * (1 - p) / 2e4))
    assert electrons.var() == pytest.approx(1000 * p * (1 - p), rel=5 * np.sqrt(2 / 2e4))
    np.testing.assert_array_equal(electrons, np.rint(electrons))


@pytest.mark.parametrize("lifetime_ms", [3.0, 35.0])
def test_what_is_drawn_next_does_not_depend_on_the_lifetime(lifetime_ms: float) -> None:
    depos = _depos([0.0, 1.0, 100.0, 1565.0, 3000.0], electrons=5000)
    detectors = protodune_hd(), replace(protodune_hd(), lifetime_ms=lifetime_ms)
    electrons, following = [], []
    for detector in detectors:
        rng = generator(4)
        electrons.append(drift(depos, detector, rng).electrons)
        following.append(rng.standard_normal(5))
    np.testing.assert_array_equal(*following)
    assert electrons[0][0] == electrons[1][0] == 5000  # no drift, no loss
    # Survivors are thinned out or joined by others, deposition by deposition.
    assert (np.diff(electrons, axis=0)[0, 1:] * (lifetime_ms - 8) >= 0).all()


def test_depositions_behind_the_response_plane_do_not_drift() -> None:
    clouds = drift(_depos([-1.0, 0.0, 10.0]), protodune_hd())
    assert len(clouds.tick) == 2
    assert clouds.sigma_mm[0] == 0


def test_depositions_are_checked() -> None:
    column = np.zeros(3)
    with pytest.raises(DataError, match="one-dimensional"):
        Depos(column, column, column, column, np.zeros(2))
    with pytest.raises(DataError, match="negative"):
        Depos(column, column, column, column, column - 1)
    with pytest.raises(DataError, match="not finite"):
        Depos(column, column, column + np.nan, column, column)


def test_concatenate_keeps_order() -> None:
    both = Depos.concatenate([_depos([1.0, 2.0]), _depos([3.0])])
    assert both.x.tolist() == [1, 2, 3]
    assert len(Depos.concatenate([])) == 0
