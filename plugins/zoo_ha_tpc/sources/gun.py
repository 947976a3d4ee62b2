"""A particle gun: muons over a pad plane, from ionisation to hits.

Left out: delta rays as tracks of their own, energy loss, the dependence of ionisation on momentum,
distortions of the fields, cross-talk, hits of noise alone, the crossing of the cathode. Electrons
of a step that land on a module are those whose mean does: within a width of the diffusion of a gap,
charge is a little too low.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, Ragged, Table, UsageError, row_ids, uniform
from zoo_ha_tpc.physics.draws import quick_normal
from zoo_ha_tpc.physics.drift import Gas, gain_factor
from zoo_ha_tpc.physics.electronics import ADC_PER_FC, ELECTRON_FC
from zoo_ha_tpc.physics.eram import TAIL_NS
from zoo_ha_tpc.physics.helix import Tracks
from zoo_ha_tpc.physics.ionisation import electrons
from zoo_ha_tpc.physics.modules import Modules
from zoo_ha_tpc.physics.pad_plane import PadPlane, read_plane
from zoo_ha_tpc.physics.readout import Arrivals, Chip, Layer, Readout
from zoo_ha_tpc.physics.scattering import walk
from zoo_ha_tpc.physics.slices import Slices, true_slices
from zoo_ha_tpc.physics.sums import sums_on
from zoo_ha_tpc.sources.config import LEAST_FACTOR, GunConfig
from zoo_ha_tpc.sources.starts import draw_tracks, drift_range
from zoo_ha_tpc.sources.variations import VARIATIONS
from zoo_ha_tpc.specs import HITS

__all__ = ["Gun"]

Array = NDArray[np.float64]
Keys = NDArray[np.uint64]

_KEYS_AT_ONCE = 480  # bounds the memory of the tracks
_TRACKS_AT_ONCE = 16  # bounds the memory, and keeps it in the cache
_ELECTRONS, _DIFFUSION = 301, 302  # tags of the random numbers
_CLUSTERS = frozenset({"cluster_z", "cluster_y", "cluster_electrons"})


class Gun:
    """One track a sample.

    Args:
        config: Settings.

    Raises:
        ConfigError: There is no such plane, or a setting contradicts it.
        UsageError: There is no such device.
    """

    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = VARIATIONS

    def __init__(self, config: GunConfig) -> None:
        self.config = config
        self.plane = read_plane(config.plane)
        self.gas = Gas(
            drift_mm_us=config.gas.drift_mm_us,
            transverse_um_cm=config.gas.transverse_um_cm,
            longitudinal_um_cm=config.gas.longitudinal_um_cm,
        )
        self.layer = _layer(config, Modules(self.plane).count, self.plane.shape)
        drift_range(config, self.plane)
        _check_plane(self.plane, float(self.gas.time_ns(np.array(self.plane.drift_mm))))
        _check_margin(config, self.plane.y.length_mm, "rows")
        if config.start == "volume":
            _check_margin(config, self.plane.z.length_mm, "columns")
        if config.device == "cuda":
            _check_cuda()

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The plane, the gas, the modules, the electronics, and which pads are dead."""
        config = self.config
        gas = config.gas.model_dump()
        if not np.isfinite(config.gas.radiation_length_m):
            gas["radiation_length_m"] = None  # JSON has no infinity
        facts = {
            **self.plane.facts(),
            "mass_gev": config.mass_gev,
            "gas": gas,
            "modules": {
                "gain": self.layer.gain.tolist(),
                "rc_ns_mm2": [factor * self.layer.rc_ns_mm2 for factor in self.layer.rc],
            },
            "electronics": config.electronics.model_dump(),
        }
        if config.modules.dead:
            facts["alive"] = self.layer.alive
        return facts

    def simulate(self, keys: Keys, fields: frozenset[str]) -> Table:
        """One track per key."""
        _keep_freed_memory()
        starts = range(0, max(len(keys), 1), _KEYS_AT_ONCE)
        return Table.concat([self._some(keys[at : at + _KEYS_AT_ONCE], fields) for at in starts])

    def _some(self, keys: Keys, fields: frozenset[str]) -> Table:
        tracks, length = draw_tracks(keys, self.config, self.plane)
        table = Table({"id": row_ids(keys, 1), **_truth(tracks)})
        if not fields & (_CLUSTERS | set(HITS)):
            return table.select(fields)
        # Tracks of similar lengths together: what is computed beyond an end is wasted.
        order = np.argsort(length, kind="stable")
        parts = [order[at : at + _TRACKS_AT_ONCE] for at in range(0, len(order), _TRACKS_AT_ONCE)]
        made = [self._ragged(keys[part], tracks.take(part), length[part], fields) for part in parts]
        if not made:
            made = [self._ragged(keys, tracks, length, fields)]
        back = np.argsort(order)
        joined = {name: _joined([one[name] for one in made]).take(back) for name in made[0]}
        return table.with_columns(joined).select(fields)

    def _ragged(
        self, keys: Keys, tracks: Tracks, length: Array, fields: frozenset[str]
    ) -> dict[str, Ragged]:
        arrivals, slices = self._arrivals(keys, tracks, length)
        columns: dict[str, Ragged] = {}
        if fields & _CLUSTERS:
            for name in ("z", "y", "electrons"):
                values = getattr(slices, name).astype(np.float32)
                columns[f"cluster_{name}"] = _of_events(values, slices.event, len(keys))
        if fields & set(HITS):
            hits = self._readout.hits(keys, arrivals)
            for name, dtype in (("row", "u1"), ("column", "u1")):
                values = getattr(hits, name).astype(dtype)
                columns[f"hit_{name}"] = _of_events(values, hits.event, len(keys))
            for name in ("charge", "time", "width"):
                values = np.clip(np.rint(getattr(hits, name)), 0, 65_535).astype(np.uint16)
                columns[f"hit_{name}"] = _of_events(values, hits.event, len(keys))
        return columns

    def _arrivals(self, keys: Keys, tracks: Tracks, length: Array) -> tuple[Arrivals, Slices]:
        """Electrons of every step as they arrive, and their means in slices of the tracks."""
        config, gas = self.config, self.gas
        path = walk(
            keys,
            tracks,
            self.plane,
            length_mm=length,
            step_mm=config.step_mm,
            mass=config.mass_gev,
            radiation_length_mm=1e3 * config.gas.radiation_length_m,
        )
        steps = path.alive.shape[1]
        clusters = config.gas.clusters_per_mm * config.step_mm
        part = uniform(keys, steps, tag=_ELECTRONS)[path.alive]
        number = electrons(part, clusters, config.gas.largest_cluster)
        deviate = quick_normal(keys, 4 * steps, tag=_DIFFUSION)
        deviate = deviate.reshape(len(keys), steps, 4)[path.alive]
        event = np.nonzero(path.alive)[0]
        some = number > 0
        x, y, z = (column[path.alive][some] for column in (path.x_mm, path.y_mm, path.z_mm))
        event, deviate = event[some], deviate[some]
        freed = np.asarray(number[some], np.float64)
        mean = 1 / np.sqrt(freed)
        wander = (gas.transverse_mm(x) * mean)[:, None] * deviate[:, :2]
        arrivals = Arrivals(
            event=event,
            z_mm=z + wander[:, 0],
            y_mm=y + wander[:, 1],
            x_mm=x,
            delay_ns=gas.longitudinal_ns(x) * mean * deviate[:, 2],
            amplified=freed * gain_factor(freed, deviate[:, 3]),
        )
        return arrivals, true_slices(self.plane, arrivals, z, y, freed)

    @cached_property
    def _readout(self) -> Readout:
        config = self.config.electronics
        return Readout(
            self.plane,
            self.gas,
            self.layer,
            Chip(
                peaking_ns=config.peaking_ns,
                sampling_ns=config.sampling_ns,
                noise_adc=config.noise_electrons * ELECTRON_FC * ADC_PER_FC,
                noise=config.noise,
                threshold_adc=config.threshold_adc,
                largest_adc=config.largest_adc,
            ),
            sums=sums_on(self.config.device),
            steepest=max(map(abs, self.config.tan_lambda)),
        )


def _keep_freed_memory() -> None:
    """Let glibc keep what is freed, up to 62 MB, rather than fetch it anew page by page.

    It does so once an array of nearly 32 MB was freed (mallopt(3), M_MMAP_THRESHOLD: the dynamic
    threshold): the gun then takes two thirds of the time. Elsewhere it changes nothing.
    """
    np.empty(31 << 20, np.uint8)


def _truth(tracks: Tracks) -> dict[str, Any]:
    columns = {
        "q_over_pt": tracks.q_over_pt,
        "phi": tracks.phi,
        "tan_lambda": tracks.tan_lambda,
        "x_ini": tracks.x_mm,
        "y_ini": tracks.y_mm,
        "z_ini": tracks.z_mm,
    }
    return {name: column.astype(np.float32) for name, column in columns.items()}


def _layer(config: GunConfig, count: int, shape: tuple[int, int]) -> Layer:
    modules = config.modules
    for name in ("gains", "rcs"):
        given = getattr(modules, name)
        if given and len(given) != count:
            raise ConfigError(
                f"{len(given)} factors for {count} modules",
                where=f"data.options.modules.{name}",
                remedy="give one per module, row by row, or none",
            )
    gain, rc, dead = np.random.default_rng(modules.seed).spawn(3)
    gains = modules.gains or _factors(gain, modules.gain_spread, count)
    rcs = modules.rcs or _factors(rc, modules.rc_spread, count)
    return Layer(
        rc_ns_mm2=modules.rc_ns_mm2,
        rc=rcs,
        gain=modules.gain * np.asarray(gains),
        alive=dead.random(shape) >= modules.dead,
    )


def _factors(rng: np.random.Generator, spread: float, count: int) -> tuple[float, ...]:
    factors = np.exp(spread * rng.standard_normal(count))
    return tuple(np.clip(factors, LEAST_FACTOR, 1 / LEAST_FACTOR).tolist())


def _check_plane(plane: PadPlane, drift_ns: float) -> None:
    """Whether rows, columns and times fit into the fields of hits."""
    if max(plane.shape) > 256:
        raise ConfigError(
            f"{plane.name} has {plane.y.pads} rows and {plane.z.pads} columns; hits count to 256",
            where="data.options.plane",
            remedy="cut it into planes of at most 256 rows and columns",
        )
    if drift_ns + TAIL_NS > 65_535:
        raise ConfigError(
            f"electrons drift up to {drift_ns:.0f} ns; times of hits end at 65535",
            where="data.options.gas.drift_mm_us",
            remedy="let them drift faster, or make the drift of the plane shorter",
        )


def _check_margin(config: GunConfig, length_mm: float, what: str) -> None:
    if 2 * config.margin_mm >= length_mm:
        raise ConfigError(
            f"two margins of {config.margin_mm:g} mm leave nothing of {length_mm:g} mm of {what}",
            where="data.options.margin_mm",
            remedy="make it smaller",
        )


def _check_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        raise UsageError("no CUDA device", where="data.options.device", remedy="leave it at cpu")


def _of_events(values: NDArray[Any], event: NDArray[np.intp], events: int) -> Ragged:
    counts = np.bincount(event, minlength=events)
    return Ragged(values, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def _joined(parts: list[Ragged]) -> Ragged:
    lengths = np.concatenate([one.lengths for one in parts])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Ragged(np.concatenate([one.values for one in parts]), offsets)
