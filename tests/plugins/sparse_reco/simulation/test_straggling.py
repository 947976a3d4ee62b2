"""Fluctuations of the energy loss against Landau's distribution and the mean."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_sparse_reco.physics.draws import numbered
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import DENSITY, ELECTRON_MASS, EXCITATION_MEV, MASS
from zoo_sparse_reco.physics.stopping import HEAVIEST_DELTA, delta_effect, heavy_loss
from zoo_sparse_reco.physics.straggling import fluctuate

KINETIC = 266.0
STEPS, TRACKS = 4, 20_000


def losses(step_cm: float) -> np.ndarray:
    """Energy that minimum ionising muons lose in four steps, (tracks,)."""
    keys = np.repeat(np.arange(TRACKS, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15), STEPS)
    keys = numbered(keys, np.tile(np.arange(STEPS), TRACKS), 1)
    count = len(keys)
    mean = heavy_loss(np.array([KINETIC]), MASS[Pid.MUON], HEAVIEST_DELTA) * step_cm
    found = fluctuate(
        keys,
        np.full(count, mean.item()),
        np.full(count, KINETIC),
        np.full(count, step_cm),
        np.full(count, int(Pid.MUON)),
    )
    return np.asarray(found.reshape(TRACKS, STEPS).sum(axis=1))


@pytest.mark.parametrize("step_cm", [0.075, 0.15])
def test_most_probable_loss_and_width_are_landau_s(step_cm: float) -> None:
    """Particle Data Group, eq. 34.12: xi (ln(2 m b2g2 / I) + ln(xi / I) + 0.2 - b2 - delta); the
    full width at half maximum is 4 xi."""
    found = losses(step_cm)
    gamma = 1 + KINETIC / MASS[Pid.MUON]
    beta2 = 1 - 1 / gamma**2
    b2g2 = beta2 * gamma**2
    xi = 0.307075 / 2 * 18 / 39.948 * DENSITY * STEPS * step_cm / beta2
    expected = xi * (
        np.log(2 * ELECTRON_MASS * b2g2 / EXCITATION_MEV)
        + np.log(xi / EXCITATION_MEV)
        + 0.2
        - beta2
        - delta_effect(np.sqrt(np.array([b2g2]))).item()
    )
    edges = np.arange(expected - 6 * xi, expected + 12 * xi, 0.4 * xi)
    counts, _ = np.histogram(found, edges)
    smooth = np.convolve(counts, np.ones(3) / 3, "same")
    peak = edges[smooth.argmax()] + 0.2 * xi
    assert peak == pytest.approx(expected, rel=0.03)
    high = edges[:-1][smooth > smooth.max() / 2]
    assert np.ptp(high) + 0.4 * xi == pytest.approx(4 * xi, rel=0.2)


def test_the_mean_is_kept() -> None:
    mean = heavy_loss(np.array([KINETIC]), MASS[Pid.MUON], HEAVIEST_DELTA).item() * STEPS * 0.15
    found = losses(0.15)
    assert found.mean() == pytest.approx(mean, abs=5 * found.std() / np.sqrt(TRACKS))
    assert found.min() > 0


def test_no_electron_gets_more_than_kinematics_allow() -> None:
    """A proton of 20 MeV gives an electron at most 44 keV: its loss hardly fluctuates."""
    count = 2000
    keys = np.arange(count, dtype=np.uint64) << np.uint64(20)
    mean = heavy_loss(np.array([20.0]), MASS[Pid.PROTON]).item() * 0.1
    found = fluctuate(
        keys,
        np.full(count, mean),
        np.full(count, 20.0),
        np.full(count, 0.1),
        np.full(count, int(Pid.PROTON)),
    )
    # Bohr's variance, xi T_max (1 - beta^2 / 2): 0.0628 MeV cm2/g 1.396 g/cm3 0.1 cm / 0.0421.
    assert found.std() == pytest.approx(np.sqrt(0.0966 * 0.1 / 0.0416 * 0.0437), rel=0.1)
