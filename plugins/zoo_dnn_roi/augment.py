"""Random changes of training planes, each drawn from the key of its sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table, generator
from zoo_dnn_roi.config import RoiConfig
from zoo_dnn_roi.specs import SAMPLE

__all__ = ["augment"]

Plane = dict[str, NDArray[Any]]  # one sample: waveforms are float32, masks uint8

_WAVEFORMS = ("loose_lf", "tight_lf", "decon_charge", "gauss")
_INPUTS = (*_WAVEFORMS, "mp2", "mp3", "traditional")


def augment(samples: Table, keys: NDArray[np.uint64], config: RoiConfig) -> Table:
    """Crop, shift and disturb each plane; all fields of a plane move together.

    Args:
        samples: Rows of the task, with any of its fields.
        keys: uint64 (N,), one per row.
        config: Its ``crop`` and ``augmentation``.

    Returns:
        A new table; planes have the size of the crop, or their own.
    """
    planes = [
        _augment_plane({name: column[row] for name, column in samples.items()}, key, config)
        for row, key in enumerate(keys)
    ]
    return Table({name: np.stack([plane[name] for plane in planes]) for name in samples})


def _augment_plane(plane: Plane, key: np.uint64, config: RoiConfig) -> Plane:
    rng = generator(key)
    plane = _window(plane, rng, config)
    settings = config.augmentation
    if rng.random() < settings.noisy:
        _make_noisy(plane, rng, settings.noise_scale)
    if settings.dead:
        _silence(plane, rng.random(_shape(plane)[0]) < settings.dead)
    if settings.amplitude:
        _scale(plane, 1 + settings.amplitude * (2 * rng.random() - 1))
    return plane


def _shape(plane: Plane) -> tuple[int, int]:
    wires, ticks = next(v for n, v in plane.items() if _dims(n) == ("wire", "tick")).shape
    return wires, ticks


def _dims(name: str) -> tuple[str | int, ...]:
    return SAMPLE[name].dims if name in SAMPLE else ()


def _window(plane: Plane, rng: np.random.Generator, config: RoiConfig) -> Plane:
    """Cut the same random window out of all fields, copied."""
    size = _shape(plane)
    kept, crop = size, config.crop
    if crop is not None:
        kept = (min(crop.wires, size[0]), min(crop.bins * config.rebin, size[1]))
    shifts = (config.augmentation.shift_wires, config.augmentation.shift_ticks)
    start = {
        axis: int(rng.integers(whole - part + 1)) + int(rng.integers(-shift, shift + 1))
        for axis, whole, part, shift in zip(("wire", "tick"), size, kept, shifts, strict=True)
    }
    length = dict(zip(("wire", "tick"), kept, strict=True))
    out: Plane = {}
    for name, values in plane.items():
        cut = values
        for position, axis in enumerate(_dims(name)):
            cut = _cut(cut, position, start[str(axis)], length[str(axis)])
        out[name] = cut.copy()
    return out


def _cut(values: NDArray[Any], axis: int, start: int, length: int) -> NDArray[Any]:
    """``length`` entries of an axis from ``start``, zeros where they lie outside."""
    before = min(max(-start, 0), length)
    part = values[(slice(None),) * axis + (slice(max(start, 0), max(start + length, 0)),)]
    after = length - before - part.shape[axis]
    widths = [(before, after) if dim == axis else (0, 0) for dim in range(values.ndim)]
    return np.pad(part, widths) if before or after else part


def _make_noisy(plane: Plane, rng: np.random.Generator, scale: tuple[float, float]) -> None:
    """One or two wires become noise: their own spectrum, louder, with random phases.

    The phases are the same in all waveforms, which differ by real filters only, so their
    correlation stays. The MP masks stay too: they come from the other planes.
    """
    wires, ticks = _shape(plane)
    for wire in rng.choice(wires, min(int(rng.integers(1, 3)), wires), replace=False):
        phase = np.exp(2j * np.pi * rng.random(ticks // 2 + 1))
        factor = rng.uniform(*scale)
        for name in _WAVEFORMS:
            if name in plane:
                magnitude = np.abs(np.fft.rfft(plane[name][wire]))
                plane[name][wire] = np.fft.irfft(factor * magnitude * phase, ticks)
        if "truth" in plane:
            plane["truth"][wire] = 0


def _silence(plane: Plane, dead: NDArray[np.bool_]) -> None:
    for name in _INPUTS:
        if name in plane:
            plane[name][dead] = 0


def _scale(plane: Plane, factor: float) -> None:
    for name in (*_WAVEFORMS, "truth"):
        if name in plane:
            plane[name] *= np.float32(factor)
