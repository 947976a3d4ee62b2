"""The heavy sums of the readout, in numpy or in torch on any device, with the same bits.

Charges are whole numbers of 2^-16 counts, and pulses of 2^-20. Sums and products of them are exact
in float64, so neither the order of a sum nor the shape of a matrix product matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CHARGE_UNIT",
    "PULSE_UNIT",
    "Deposits",
    "NumpySums",
    "Sums",
    "TorchSums",
    "in_units",
    "sums_on",
]

CHARGE_UNIT = 2.0**-16
"""Of charges and of noise, ADC."""

PULSE_UNIT = 2.0**-20
"""Of pulses of charge 1."""

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Deposits:
    """Charges on the layer, N of them.

    Attributes:
        z_entry, y_entry: int (N,), columns of the tables of shares.
        charge: float32 (N,), in ``CHARGE_UNIT``.
        delay: float32 (N,), time of arrival from the middle of its bin, samples.
        smear: float32 (N,), square of that and variance of the time, samples squared.
        cell: int (pads, pads, N), where the share of each pad goes.
        cells: Number of cells.
    """

    z_entry: Ints
    y_entry: Ints
    charge: Floats
    delay: Floats
    smear: Floats
    cell: Ints
    cells: int


class Sums(Protocol):
    """What is done on a device."""

    def charges(self, deposits: Deposits, z_shares: Floats, y_shares: Floats, middle: int) -> Array:
        """Charges of cells at the nodes, and moments of their times.

        Args:
            deposits: The charges.
            z_shares: (nodes, pads, entries).
            y_shares: The same.
            middle: Node whose charges weight the times.

        Returns:
            (nodes + 2, cells), in ``CHARGE_UNIT``; the last two are weighted with ``delay`` and
            with ``smear``.
        """
        ...

    def product(self, left: Array, right: Array) -> Array:
        """Matrix product of whole numbers."""
        ...


class NumpySums:
    """The sums in numpy."""

    def charges(self, deposits: Deposits, z_shares: Floats, y_shares: Floats, middle: int) -> Array:
        """See :class:`Sums`."""
        one, cell = deposits, deposits.cell.ravel()
        out = np.empty((len(z_shares) + 2, one.cells))
        for node, (z_share, y_share) in enumerate(zip(z_shares, y_shares, strict=True)):
            z = np.take(z_share, one.z_entry, axis=1) * one.charge
            share = z[:, None] * np.take(y_share, one.y_entry, axis=1)
            whole = np.rint(share)
            out[node] = np.bincount(cell, whole.ravel(), one.cells)
            if node == middle:
                out[-2] = np.bincount(cell, np.rint(whole * one.delay).ravel(), one.cells)
                out[-1] = np.bincount(cell, np.rint(whole * one.smear).ravel(), one.cells)
        return out

    def product(self, left: Array, right: Array) -> Array:
        """See :class:`Sums`."""
        return np.asarray(left @ right)


class TorchSums:
    """The sums in torch.

    Args:
        device: Name of a torch device.
    """

    def __init__(self, device: str) -> None:
        import torch

        self._torch = torch
        self._device = torch.device(device)

    def charges(self, deposits: Deposits, z_shares: Floats, y_shares: Floats, middle: int) -> Array:
        """See :class:`Sums`."""
        torch, one = self._torch, deposits
        z_entry, y_entry, charge, delay, smear, cell = (
            torch.as_tensor(column, device=self._device)
            for column in (
                *(one.z_entry, one.y_entry, one.charge, one.delay, one.smear),
                one.cell.ravel(),
            )
        )
        z_table, y_table = (torch.as_tensor(t, device=self._device) for t in (z_shares, y_shares))
        out = torch.zeros((len(z_shares) + 2, one.cells), dtype=torch.float64, device=self._device)
        for node in range(len(z_shares)):
            z = z_table[node][:, z_entry] * charge
            whole = torch.round(z[:, None] * y_table[node][:, y_entry])
            out[node].index_add_(0, cell, whole.ravel().double())
            if node == middle:
                out[-2].index_add_(0, cell, torch.round(whole * delay).ravel().double())
                out[-1].index_add_(0, cell, torch.round(whole * smear).ravel().double())
        return np.asarray(out.cpu().numpy())

    def product(self, left: Array, right: Array) -> Array:
        """See :class:`Sums`."""
        torch = self._torch
        one, other = (torch.as_tensor(side, device=self._device) for side in (left, right))
        return np.asarray((one @ other).cpu().numpy())


def sums_on(device: str) -> Sums:
    """``cpu``: numpy; else torch on that device."""
    return NumpySums() if device == "cpu" else TorchSums(device)


def in_units(values: Array, unit: float) -> Array:
    """Rounded to whole numbers of a unit."""
    return np.asarray(np.rint(values / unit))
