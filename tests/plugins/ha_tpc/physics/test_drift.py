"""Drift against the design's numbers; gain against the gamma distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gamma

from zoo_ha_tpc.physics.drift import Gas, gain_factor

GAS = Gas(drift_mm_us=78.0, transverse_um_cm=310.0, longitudinal_um_cm=210.0)


def test_a_metre_of_drift() -> None:
    """12.8 us (design report); 310 and 210 um times 10: 3.1 mm, and 2.1 mm at 78 um/ns."""
    metre = np.array([1000.0])
    assert GAS.time_ns(metre).item() == pytest.approx(12_800, rel=2e-3)
    assert GAS.transverse_mm(metre).item() == pytest.approx(3.1)
    assert GAS.longitudinal_ns(metre).item() == pytest.approx(2100 / 78, rel=1e-6)


def test_widths_grow_with_the_root_of_the_drift() -> None:
    near, far = np.array([90.0]), np.array([810.0])
    assert GAS.transverse_mm(far) == pytest.approx(3 * GAS.transverse_mm(near))
    assert GAS.longitudinal_ns(far) == pytest.approx(3 * GAS.longitudinal_ns(near))


@pytest.mark.parametrize("electrons", [1, 3, 30])
def test_gains_are_gamma_distributed(electrons: int) -> None:
    """The sum of n Polya gains of theta = 1 is gamma of shape 2n."""
    deviate = np.random.default_rng(1).standard_normal(200_000)
    factor = gain_factor(np.full(deviate.shape, float(electrons)), deviate)
    assert factor.mean() == pytest.approx(1, abs=0.004)
    assert factor.var() == pytest.approx(1 / (2 * electrons), rel=0.03)
    for part in (0.05, 0.5, 0.95):
        exact = gamma(2 * electrons, scale=1 / (2 * electrons)).ppf(part)
        assert np.quantile(factor, part) == pytest.approx(exact, abs=0.03)
    assert factor.min() >= 0
