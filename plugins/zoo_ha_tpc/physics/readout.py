"""From electrons that arrive over the plane to hits: spreading, shaping, noise, digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.physics.draws import normal_quantiles, quick_normal
from zoo_ha_tpc.physics.drift import Gas
from zoo_ha_tpc.physics.electronics import ADC_PER_FC, ELECTRON_FC, Noise, noise_basis
from zoo_ha_tpc.physics.eram import NODES_NS, PADS, TAIL_NS, node_spreads, pad_shares, pulse_basis
from zoo_ha_tpc.physics.modules import Modules
from zoo_ha_tpc.physics.pad_plane import Axis, PadPlane
from zoo_ha_tpc.physics.pulse_height import Pulses, pulse_heights
from zoo_ha_tpc.physics.sums import CHARGE_UNIT, PULSE_UNIT, Deposits, Sums, in_units

__all__ = ["Arrivals", "Chip", "Hits", "Layer", "Readout"]

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

_OFFSETS = 256  # places within a pad that the tables tell apart
_WIDTHS = 32  # depths of drift that they tell apart
_BIN = 2  # samples; charges of one bin and pad share a pulse
_MIDDLE = 2  # node whose charges weight the times
_DELAY = 0.8  # samples that the mean time of a few electrons may at least be off
_QUIET = 4.0  # RMS of noise that must be missing to the threshold for a pad to be left out
_TAG = 201  # of the random numbers
_PADS_APART = np.uint64(0x9E3779B97F4A7C15)  # between keys of noise


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The resistive layers, one per module.

    Attributes:
        rc_ns_mm2: Nominal.
        rc: Factors on it, one per module.
        gain: Mean gains, one per module.
        alive: bool (rows, columns).
    """

    rc_ns_mm2: float
    rc: tuple[float, ...]
    gain: Array
    alive: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Chip:
    """The electronics of a pad.

    Attributes:
        peaking_ns, sampling_ns: Times.
        noise_adc: RMS.
        noise: What kind.
        threshold_adc: Smallest amplitude of a hit.
        largest_adc: Where the converter saturates, above the pedestal.
    """

    peaking_ns: float
    sampling_ns: float
    noise_adc: float
    noise: Noise
    threshold_adc: float
    largest_adc: float


@dataclass(frozen=True)
class Arrivals:
    """Electrons that arrive together, (N,) each.

    Attributes:
        event: Which track.
        z_mm, y_mm: Their mean place.
        x_mm: How far they drifted.
        delay_ns: How much later than the drift of their mean they arrive.
        amplified: Number of electrons, times what their gain is over the mean gain.
    """

    event: Ints
    z_mm: Array
    y_mm: Array
    x_mm: Array
    delay_ns: Array
    amplified: Array


@dataclass(frozen=True)
class Hits:
    """Pads above threshold, by event, row and column, (hits,) each.

    Attributes:
        event, row, column: Where.
        charge: ADC.
        time, width: ns.
    """

    event: Ints
    row: Ints
    column: Ints
    charge: Array
    time: Array
    width: Array


class Readout:
    """A plane, its layers and its electronics.

    Args:
        plane: Pads.
        gas: What the electrons drifted through.
        layer: Resistive layers.
        chip: Electronics.
        sums: Where the sums are done.
        steepest: Largest slope of a track out of the plane.
    """

    def __init__(
        self,
        plane: PadPlane,
        gas: Gas,
        layer: Layer,
        chip: Chip,
        *,
        sums: Sums,
        steepest: float = 0.0,
    ) -> None:
        self._plane, self._gas, self._layer, self._chip, self._sums = plane, gas, layer, chip, sums
        self._modules = Modules(plane)
        depth = (np.arange(_WIDTHS) + 0.5) * plane.drift_mm / _WIDTHS
        widths = gas.transverse_mm(depth)
        spreads = node_spreads(layer.rc_ns_mm2)
        self._z_shares, self._y_shares = (
            _shares(axis, widths, spreads) for axis in (plane.z, plane.y)
        )
        deepest = float(gas.longitudinal_ns(np.array(plane.drift_mm))) / chip.sampling_ns
        # Three standard deviations of ten electrons; of fewer, some are held back.
        self._longest = max(_DELAY, 3 * deepest / np.sqrt(10))
        self._bins = self._most_bins(steepest)
        samples = round(TAIL_NS / chip.sampling_ns) + _BIN + 1 + _BIN * (self._bins - 1)
        noise = noise_basis(chip.noise, samples, chip.sampling_ns, chip.peaking_ns)
        self._numbers = len(noise)
        self._deviate = in_units(chip.noise_adc * normal_quantiles(), CHARGE_UNIT)
        self._bases = {factor: self._basis(factor, widths, noise) for factor in set(layer.rc)}

    def _basis(self, factor: float, widths: Array, noise: Array) -> tuple[Array, Array]:
        """Pulses at RC times a factor, without and with noise below: whole numbers, scaled."""
        layer, chip, plane = self._layer, self._chip, self._plane
        pulse = pulse_basis(
            rc_ns_mm2=layer.rc_ns_mm2 * factor,
            nominal_rc_ns_mm2=layer.rc_ns_mm2,
            pitches_mm=(plane.z.pitch_mm, plane.y.pitch_mm),
            widths_mm=tuple(widths[:: _WIDTHS // 8].tolist()),
            peaking_ns=chip.peaking_ns,
            sampling_ns=chip.sampling_ns,
        ).reshape(3 * len(NODES_NS), -1)
        longer = np.pad(pulse, ((0, 0), (0, noise.shape[1] - pulse.shape[1])))
        scale = CHARGE_UNIT * PULSE_UNIT
        both = in_units(np.concatenate([longer, noise]), PULSE_UNIT) * scale
        return in_units(pulse, PULSE_UNIT) * scale, both

    def hits(self, keys: NDArray[np.uint64], arrivals: Arrivals) -> Hits:
        """What the electrons leave, events of ``keys`` (N,) numbered from 0."""
        deposits, cell, time_bin = self._deposits(len(keys), arrivals)
        charges = self._sums.charges(deposits, self._z_shares, self._y_shares, _MIDDLE)
        event, within = np.divmod(cell // self._bins, self._modules.cells)
        module, row, column, there = self._modules.pads(within)
        chosen = np.flatnonzero(there)
        chosen = chosen[self._layer.alive[row[chosen], column[chosen]]]
        chosen = chosen[self._loud(charges[: len(NODES_NS), chosen].max(axis=0, initial=0))]
        pad = (event * self._plane.y.pads + row) * self._plane.z.pads + column
        chosen = chosen[np.lexsort((time_bin[chosen], pad[chosen]))]
        waves = self._waves(
            keys, pad[chosen], module[chosen], time_bin[chosen], _rows(charges[:, chosen])
        )
        found = pulse_heights(waves, self._chip.sampling_ns, self._chip.threshold_adc)
        event, within = np.divmod(found.pad, self._plane.y.pads * self._plane.z.pads)
        row, column = np.divmod(within, self._plane.z.pads)
        return Hits(event, row, column, found.charge, found.time_ns, found.width_ns)

    def _most_bins(self, steepest: float) -> int:
        """Bins of time in which the charges of one pad can arrive."""
        reach = PADS * float(np.hypot(self._plane.z.pitch_mm, self._plane.y.pitch_mm))
        # A pad's track may bend, and its electrons wander: a fifth more than the straight way.
        later = float(self._gas.time_ns(np.array(1.2 * reach * steepest)))
        return int((later / self._chip.sampling_ns + 2 * self._longest) / _BIN) + 2

    def _deposits(self, events: int, arrivals: Arrivals) -> tuple[Deposits, Ints, Ints]:
        """Charges on the layers; keys of the cells that they reach, and bins of those."""
        landing = self._modules.under(arrivals.z_mm, arrivals.y_mm)
        on = np.flatnonzero(landing.on_pad)
        landing, chip = landing.take(on), self._chip
        sampling, x_mm = chip.sampling_ns, arrivals.x_mm[on]
        late = np.clip(arrivals.delay_ns[on] / sampling, -self._longest, self._longest)
        samples = self._gas.time_ns(x_mm) / sampling + late
        time_bin = np.floor(samples / _BIN).astype(np.intp)
        delay = samples - (time_bin + 0.5) * _BIN
        smear = delay**2 + (self._gas.longitudinal_ns(x_mm) / sampling) ** 2
        depth = np.minimum(x_mm * (_WIDTHS / self._plane.drift_mm), _WIDTHS - 1).astype(np.intp)
        gain = self._layer.gain[landing.module] * (ELECTRON_FC * ADC_PER_FC / CHARGE_UNIT)
        first = arrivals.event[on] * self._modules.cells + self._modules.first_cells(landing)
        first = first * self._bins + time_bin % self._bins
        near = first + self._modules.near[:, :, None] * self._bins
        reached = np.zeros(events * self._modules.cells * self._bins, bool)
        reached[near] = True
        cell = np.flatnonzero(reached)
        number = np.empty(len(reached), np.intp)
        number[cell] = np.arange(len(cell))
        near = number[near]
        bins = np.empty(len(cell), np.intp)
        bins[near] = time_bin
        deposits = Deposits(
            z_entry=depth * _OFFSETS + (landing.z_part * _OFFSETS).astype(np.intp),
            y_entry=depth * _OFFSETS + (landing.y_part * _OFFSETS).astype(np.intp),
            charge=(arrivals.amplified[on] * gain).astype(np.float32),
            delay=delay.astype(np.float32),
            smear=smear.astype(np.float32),
            cell=near,
            cells=len(cell),
        )
        return deposits, cell, bins

    def _loud(self, charge: Array) -> NDArray[np.bool_]:
        """Whether charges, in units, can pass the threshold at all."""
        least = self._chip.threshold_adc - _QUIET * self._chip.noise_adc
        return np.asarray(charge * CHARGE_UNIT > max(least, 0))

    def _waves(
        self, keys: NDArray[np.uint64], pad: Ints, module: Ints, time_bin: Ints, rows: Array
    ) -> Pulses:
        """Waveforms of pads, whose cells follow one another in the order of time.

        Args:
            keys: Of the events.
            pad: Of each cell, counted through events, rows and columns.
            module: Of each cell.
            time_bin: Of each cell.
            rows: Its factors on the basis.
        """
        is_first = np.diff(pad, prepend=-1) != 0
        first, which = np.flatnonzero(is_first), np.cumsum(is_first) - 1
        noise = self._deviates(keys, pad[first])
        samples = self._signals(np.concatenate([rows[first], noise], axis=1), module[first])
        more = np.flatnonzero(~is_first)
        shift = _BIN * (time_bin[more] - time_bin[first][which[more]])
        late = self._signals(rows[more], module[more])
        for one in np.unique(shift):
            ours = shift == one
            samples[which[more[ours]], one : one + late.shape[1]] += late[ours]
        np.rint(samples, out=samples)
        np.minimum(samples, self._chip.largest_adc, out=samples)
        # Sample 0 lies two samples before the middle of the first bin.
        start_ns = ((time_bin[first] + 0.5) * _BIN - 2) * self._chip.sampling_ns
        return Pulses(pad[first], samples, np.asarray(start_ns, np.float64))

    def _signals(self, rows: Array, module: Ints) -> Array:
        """Rows of factors times the basis of their module, without or with noise, ADC."""
        with_noise = rows.shape[1] > 3 * len(NODES_NS)
        bases = {factor: pair[with_noise] for factor, pair in self._bases.items()}
        if len(bases) == 1:
            return self._sums.product(rows, next(iter(bases.values())))
        rc = np.array(self._layer.rc)[module]
        out = np.empty((len(rows), next(iter(bases.values())).shape[1]))
        for factor, basis in bases.items():
            ours = rc == factor
            out[ours] = self._sums.product(rows[ours], basis)
        return out

    def _deviates(self, keys: NDArray[np.uint64], pad: Ints) -> Array:
        """Factors on the basis of the noise, (pads, numbers), in units."""
        event, within = np.divmod(pad, self._plane.y.pads * self._plane.z.pads)
        # A pad's noise has a key of its own: it is the same whatever else changes.
        own = keys[event] + _PADS_APART * (within + 1).astype(np.uint64)
        return quick_normal(own, self._numbers, tag=_TAG, quantiles=self._deviate)


def _rows(charges: Array) -> Array:
    """Factors on the basis, (cells, 3 nodes): charges, and their moments in time."""
    nodes = len(NODES_NS)
    charge, weight = charges[:nodes], np.maximum(charges[_MIDDLE], 1)
    rows = np.empty((charges.shape[1], 3, nodes))
    rows[:, 0] = charge.T
    for at, moment in enumerate(charges[nodes:] / weight):
        rows[:, at + 1] = np.rint(charge * moment).T
    return rows.reshape(len(rows), 3 * nodes)


def _shares(axis: Axis, widths_mm: Array, spreads: Array) -> Floats:
    """Shares of pads along an axis, (nodes, pads, widths * offsets)."""
    part = (np.arange(_OFFSETS) + 0.5) / _OFFSETS
    sigma = np.sqrt(widths_mm**2 + spreads[:, None])
    shares = pad_shares(part, axis.pitch_mm, sigma[..., None])
    table = np.moveaxis(shares, -1, 1).reshape(len(spreads), PADS, -1)
    return np.ascontiguousarray(table, np.float32)
