"""Resistive spreading against a numerical solution of the diffusion equation."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_ha_tpc.physics.electronics import shaped
from zoo_ha_tpc.physics.eram import (
    NODES_NS,
    PADS,
    first_pad,
    node_spreads,
    pad_shares,
    pulse_basis,
    pulses,
)

PITCHES = (11.28, 10.19)
RC = 120.0
WIDTHS = tuple((0.31 * np.sqrt(np.array([6.0, 20, 40, 60, 80, 100]))).tolist())


def shares(part: tuple[float, float], spread: np.ndarray, width: float) -> np.ndarray:
    """Charge of the pads, (columns, rows, spreads), by the formula."""
    z, y = (
        pad_shares(np.full(spread.shape, p), pitch, np.sqrt(width**2 + spread))
        for p, pitch in zip(part, PITCHES, strict=True)
    )
    return np.einsum("tp,tq->pqt", z, y)


def diffused(part: tuple[float, float], time_ns: float, width: float) -> np.ndarray:
    """The same, by explicit steps of d(rho)/dt = laplace(rho) / RC on a grid of half a mm."""
    cell, size = 0.5, 180
    centre = (np.arange(size) + 0.5) * cell
    middle = size * cell / 2
    one = np.exp(-0.5 * ((centre - middle) / width) ** 2)
    rho = np.outer(one, one) / one.sum() ** 2
    step = 5.0
    for _ in range(round(time_ns / step)):
        along = np.zeros_like(rho)
        along[1:-1] += rho[2:] - 2 * rho[1:-1] + rho[:-2]
        along[:, 1:-1] += rho[:, 2:] - 2 * rho[:, 1:-1] + rho[:, :-2]
        rho += step / RC / cell**2 * along
    for axis, (p, pitch) in enumerate(zip(part, PITCHES, strict=True)):
        edges = middle + (first_pad(np.array(p)) - p + np.arange(PADS + 1)) * pitch
        below = np.concatenate([np.zeros_like(rho.take([0], axis)), np.cumsum(rho, axis)], axis)
        at_edges = _at(np.moveaxis(below, axis, 0), edges / cell)
        rho = np.diff(np.moveaxis(at_edges, 0, axis), axis=axis)
    return np.asarray(rho)


def _at(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Linear interpolation along the first axis."""
    low = np.floor(place).astype(int)
    rest = (place - low)[:, None]
    return np.asarray(values[low] * (1 - rest) + values[low + 1] * rest)


@pytest.mark.parametrize("time_ns", [100.0, 400.0, 1000.0])
@pytest.mark.parametrize("part", [(0.5, 0.5), (0.1, 0.8)])
def test_shares_solve_the_diffusion_equation(part: tuple[float, float], time_ns: float) -> None:
    ours = shares(part, np.array([2 * time_ns / RC]), width=1.5)[..., 0]
    np.testing.assert_allclose(ours, diffused(part, time_ns, 1.5), atol=1.5e-3)


@pytest.mark.parametrize(("time_ns", "lost"), [(0.0, 1e-4), (400.0, 1e-3), (1000.0, 0.01)])
def test_the_nearest_pads_hold_the_charge(time_ns: float, lost: float) -> None:
    for part in (0.0, 0.25, 0.49, 0.5, 0.99):
        for width in (0.1, 3.1):
            total = shares((part, part), np.array([2 * time_ns / RC]), width).sum()
            assert 1 - lost <= total <= 1 + 1e-12


def test_a_narrow_charge_is_on_its_pad() -> None:
    for part in (0.05, 0.3, 0.5, 0.95):
        share = pad_shares(np.array(part), 10.0, np.array(0.0))
        assert share.argmax() == -first_pad(np.array(part))
        assert share.max() == 1


def test_a_shift_of_a_pitch_moves_to_the_next_pad() -> None:
    """The shares left and right of a charge in the middle of the border mirror one another."""
    left, right = (pad_shares(np.array(part), 10.0, np.array(3.0)) for part in (0.75, 0.25))
    np.testing.assert_allclose(left, right[::-1], atol=1e-12)


def test_a_constant_charge_makes_the_pulse_of_the_electronics() -> None:
    wave = pulses(np.ones((1, 200)), 10.0, 412.0)
    np.testing.assert_allclose(wave[0], shaped(np.arange(1, 201) * 10.0, 412.0), atol=1e-12)


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.4])
def test_the_basis_makes_the_pulses_of_the_whole_formula(factor: float) -> None:
    basis = pulse_basis(
        rc_ns_mm2=RC * factor,
        nominal_rc_ns_mm2=RC,
        pitches_mm=PITCHES,
        widths_mm=WIDTHS,
        peaking_ns=412.0,
        sampling_ns=40.0,
    )
    assert basis.shape[1] == len(NODES_NS)
    rng, step = np.random.default_rng(3), 5.0
    middle = (np.arange(480) + 0.5) * step
    for _ in range(10):
        part, width = tuple(rng.random(2)), 0.31 * np.sqrt(rng.uniform(3, 100))
        exact = pulses(shares(part, 2 * middle / (RC * factor), width).reshape(16, -1), step, 412.0)
        ours = shares(part, node_spreads(RC), width).reshape(16, -1) @ basis[0]
        # Samples start two before the charge, and 40 ns are eight steps.
        exact = exact[:, 7::8]
        np.testing.assert_allclose(ours[:, 3:], exact, atol=0.012)
        assert np.abs(ours.max(axis=1) - exact.max(axis=1)).max() < 2e-3
        assert not ours[:, :2].any()


def test_derivatives_move_a_pulse() -> None:
    basis = pulse_basis(
        rc_ns_mm2=RC,
        nominal_rc_ns_mm2=RC,
        pitches_mm=PITCHES,
        widths_mm=WIDTHS,
        peaking_ns=412.0,
        sampling_ns=40.0,
    )
    pulse, first, second = shares((0.4, 0.6), node_spreads(RC), 2.0)[2, 2] @ basis
    whole = pulse + first + second  # one sample later
    np.testing.assert_allclose(whole[5:], pulse[4:-1], atol=5e-3)
