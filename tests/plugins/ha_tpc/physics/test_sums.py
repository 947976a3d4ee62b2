"""Sums are exact: the same bits in any order, in numpy and in torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoo_ha_tpc.physics.sums import Deposits, NumpySums, TorchSums, in_units, sums_on

NODES, PADS, ENTRIES = 3, 4, 50


def deposits(count: int = 500) -> Deposits:
    rng = np.random.default_rng(4)
    return Deposits(
        z_entry=rng.integers(0, ENTRIES, count),
        y_entry=rng.integers(0, ENTRIES, count),
        charge=(rng.random(count) * 2**25).astype(np.float32),
        delay=rng.uniform(-1, 1, count).astype(np.float32),
        smear=rng.random(count).astype(np.float32),
        cell=rng.integers(0, 40, (PADS, PADS, count)),
        cells=40,
    )


def tables() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    z, y = rng.random((2, NODES, PADS, ENTRIES)).astype(np.float32)
    return z, y


def test_sums_are_those_of_a_loop() -> None:
    one, (z, y) = deposits(60), tables()
    expected = np.zeros((NODES + 2, one.cells))
    for n in range(60):
        for a in range(PADS):
            for b in range(PADS):
                share = z[:, a, one.z_entry[n]].astype(float) * y[:, b, one.y_entry[n]]
                charge, cell = share * one.charge[n], one.cell[a, b, n]
                expected[:NODES, cell] += charge
                expected[NODES:, cell] += charge[1] * np.array([one.delay[n], one.smear[n]])
    found = NumpySums().charges(one, z, y, 1)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e3)
    assert np.array_equal(found, np.rint(found))


def test_torch_gives_the_same_bits_in_any_order() -> None:
    one, (z, y) = deposits(), tables()
    found = NumpySums().charges(one, z, y, 1)
    np.testing.assert_array_equal(found, TorchSums("cpu").charges(one, z, y, 1))
    order = np.random.default_rng(6).permutation(len(one.charge))
    columns = ("z_entry", "y_entry", "charge", "delay", "smear")
    mixed = replace(
        one, **{name: getattr(one, name)[order] for name in columns}, cell=one.cell[..., order]
    )
    np.testing.assert_array_equal(found, NumpySums().charges(mixed, z, y, 1))


def test_products_do_not_depend_on_their_shape() -> None:
    rng = np.random.default_rng(7)
    left = in_units(rng.uniform(-4000, 4000, (37, 30)), 2.0**-16)
    right = in_units(rng.uniform(-1, 1, (30, 66)), 2.0**-20)
    whole = NumpySums().product(left, right)
    for row in (0, 5, 36):
        alone = NumpySums().product(left[row : row + 1], right)
        assert np.array_equal(alone[0], whole[row])
    np.testing.assert_array_equal(TorchSums("cpu").product(left, right), whole)


@pytest.mark.parametrize(("device", "kind"), [("cpu", NumpySums), ("meta", TorchSums)])
def test_devices(device: str, kind: type) -> None:
    assert isinstance(sums_on(device), kind)
