"""The distribution of residuals against scipy's, against integrals, and against flashes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import exponnorm, norm

from zoo_optics.physics.water import C_CM_NS
from zoo_optics.sources.cherenkov import Cherenkov
from zoo_optics.sources.config import CherenkovConfig
from zoo_optics.times.shapes import Shape, flat_share

Array = NDArray[np.float64]
SHAPES = [
    (0.7, 0.1, 0.6, 8.0),
    (0.05, -0.4, 1.5, 0.3),
    (0.99, 0.0, 0.05, 40.0),
    (0.0, 2.0, 1.0, 1.0),
]


def shape(prompt: float, shift: float, width: float, decay: float) -> Shape:
    return Shape(*(np.array(x) for x in (prompt, shift, width, decay)))


@pytest.mark.parametrize("numbers", SHAPES)
def test_the_density_is_that_of_scipy_and_normalised(numbers: tuple[float, ...]) -> None:
    """scipy.stats.exponnorm: a Gaussian plus an exponential of mean K times its width."""
    prompt, shift, width, decay = numbers
    late = shift + np.concatenate([np.linspace(-6, 6, 60) * width, np.linspace(0, 12, 60) * decay])
    tail = exponnorm(decay / width, loc=shift, scale=width)
    core = norm(shift, width)
    found = shape(*numbers)
    expected = prompt * core.pdf(late) + (1 - prompt) * tail.pdf(late)
    np.testing.assert_allclose(found.density(late), expected, rtol=1e-6, atol=1e-12)
    below = prompt * core.cdf(late) + (1 - prompt) * tail.cdf(late)
    np.testing.assert_allclose(found.cumulative(late), below, atol=1e-7)
    mean = prompt * core.mean() + (1 - prompt) * tail.mean()
    square = prompt * (core.var() + core.mean() ** 2) + (1 - prompt) * (
        tail.var() + tail.mean() ** 2
    )
    assert float(found.mean_ns) == pytest.approx(mean, rel=1e-9, abs=1e-9)
    assert float(found.rms_ns) == pytest.approx((square - mean**2) ** 0.5, rel=1e-9)


@pytest.mark.parametrize("numbers", SHAPES)
def test_integrals_by_quadrature(numbers: tuple[float, ...]) -> None:
    """Adaptive Gauss-Kronrod (QUADPACK): the whole is 1, and a part is the cumulative there."""
    found = shape(*numbers)
    _, shift, width, decay = numbers
    cuts = [shift - 12 * width, shift, shift + 12 * width, shift + 12 * width + 3 * decay]
    ends = [*cuts, cuts[-1] + 40 * decay]

    def of(low: float, high: float) -> float:
        value: float = quad(lambda x: float(found.density(np.array(x))), low, high, limit=400)[0]
        return value

    parts = [of(low, high) for low, high in pairwise(ends)]
    assert sum(parts) == pytest.approx(1, abs=1e-7)
    for count, end in enumerate(cuts[1:], start=1):
        below = float(found.cumulative(np.array(end)))
        assert sum(parts[:count]) == pytest.approx(below, abs=1e-7)


def test_far_away_nothing_overflows() -> None:
    found = shape(0.3, 0.0, 0.01, 1e-3)
    late = np.array([-1e4, -5.0, 0.0, 5.0, 1e4])
    assert np.isfinite(found.density(late)).all()
    np.testing.assert_allclose(found.cumulative(late), [0, 0, 0.5, 1, 1], atol=0.1)


def test_dark_hits_have_their_share_of_the_charge() -> None:
    """2 dark hits of 8 expected, 1 per mille of the others astray: 0.25 + 0.75 / 1000."""
    np.testing.assert_allclose(flat_share(np.array([8.0]), 2.0), 0.25 + 0.75e-3)
    np.testing.assert_allclose(flat_share(np.array([8.0]), 0.0), 1e-3)
    # More dark hits than all: a visibility that is still wrong leaves light its hundredth.
    np.testing.assert_allclose(flat_share(np.array([1e-9, 0.0]), 2.0), 0.99 + 0.01e-3)


def flashes() -> Array:
    """Residuals at sensors 150 to 250 cm away, in a tank whose wall reflects."""
    tank = {
        "radius_cm": 150.0,
        "half_height_cm": 150.0,
        "rows": 12,
        "columns": 30,
        "rings": (20, 1),
    }
    options: dict[str, Any] = {"tank": tank, "photons": (40_000, 40_000)}
    options["surfaces"] = {"efficiency": 0.5, "wall_reflectivity": 0.14}
    made = Cherenkov(CherenkovConfig.model_validate(options))
    fields = frozenset({"position", "hit_sensor", "hit_time"})
    samples = made.simulate(np.arange(1, 7, dtype=np.uint64), fields)
    flash = np.repeat(np.arange(6), samples["hit_sensor"].lengths)
    place = made.detector.sensors.position_cm[samples["hit_sensor"].values]
    distance = np.linalg.norm(place - samples["position"][flash], axis=1)
    index = float(made.facts["group_index"])
    late = samples["hit_time"].values - distance * index / C_CM_NS
    chosen: Array = late[(distance > 150) & (distance < 250)].astype(np.float64)
    return chosen


def test_neither_part_alone_describes_flashes() -> None:
    """Mean log likelihood of a hit, each family at its maximum."""
    late = flashes()
    assert len(late) > 1500

    def nll(share: float, p: Array) -> float:
        one = Shape(np.array(share), p[0], np.exp(p[1]), np.exp(p[2]))
        return -float(np.log(0.999 * one.density(late) + 1e-3 / 300).mean())

    def fitted(of: Any, start: list[float]) -> Any:
        return minimize(of, start, method="Nelder-Mead", options={"maxfev": 800})

    gaussian = fitted(lambda p: nll(1.0, np.array([*p, 0.0])), [0.0, 0.0]).fun
    smeared = fitted(lambda p: nll(0.0, p), [0.0, 0.0, 0.0]).fun
    both = fitted(lambda p: nll(1 / (1 + np.exp(-p[3])), p), [0.0, -0.5, 1.5, 1.0])
    assert both.fun < gaussian - 0.3
    assert both.fun < smeared - 0.1
    # The core is that of direct light: no shift, and the transit times' spread of 0.6 ns.
    assert both.x[0] == pytest.approx(0, abs=0.1)
    assert np.exp(both.x[1]) == pytest.approx(0.6, rel=0.1)
