"""Segments of edep-sim in HDF5, as larnd-sim takes them, made into voxels with labels.

``segments``: a record for each straight piece: eventID, trackID, pdgId (newer: event_id, traj_id,
pdg_id), dE (MeV), and the places of its ends, cm. Events follow one another. Its energy is shared
among the voxels that it crosses, by length. What the labels rest on is told in
:mod:`zoo_sparse_reco.physics.supera`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_sparse_reco.physics.kinds import is_nucleus, pid_of
from zoo_sparse_reco.physics.labels import Semantic
from zoo_sparse_reco.physics.segment_deposits import Deposits, Shares, Tracks, summed, tracks_of
from zoo_sparse_reco.physics.supera import LabelRules, Labels, label_voxels
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.physics.voxelise import cut_at_walls
from zoo_sparse_reco.sources.event_lists import Events, Rows, fields_of
from zoo_sparse_reco.sources.files_config import EdepsimConfig
from zoo_sparse_reco.sources.hdf5 import compound, files_of, opened
from zoo_sparse_reco.sources.voxel_files import EventFile, VoxelFiles

__all__ = ["Edepsim"]

Array = NDArray[Any]

_MM = 10.0  # of a cm
_ENDS = tuple(f"{axis}_{end}" for end in ("start", "end") for axis in "xyz")
_NAMES = (("eventID", "trackID", "pdgId"), ("event_id", "traj_id", "pdg_id"))  # older and newer
_CHUNK = 200_000  # segments that are looked through together


class Edepsim(VoxelFiles):
    """A file, or a folder of them; see :class:`VoxelFiles`.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        DataError: A file is damaged, lacks what is needed, or its events do not follow one another.
    """

    config: EdepsimConfig

    def __init__(self, config: EdepsimConfig, path: str | Path) -> None:
        where = Path(path)
        self.config = config
        self._starts: dict[Path, NDArray[np.int64]] = {}
        files, bounds = [], []
        for name in files_of(where, ".h5", ".hdf5"):
            with opened(name) as file:
                self._starts[name], bound = _survey(*_table(file))
            bounds.append(bound)
            files.append(EventFile(name, len(self._starts[name]) - 1))
        low, high = (np.min([b[0] for b in bounds], axis=0), np.max([b[1] for b in bounds], axis=0))
        if not np.isfinite(low).all():
            raise DataError("no segments", where=str(where), remedy="give another file")
        self._volume = low * _MM, high * _MM
        fields = {"voxel_x", "voxel_y", "voxel_z", "deposit", "semantic", "fragment", "particle"}
        fields |= {"voxel_group", "pid", *fields_of("point")}
        fields |= {f"particle_{n}" for n in ("id", "pid", "semantic", "group", "start", "end")}
        about = {"format": "edep-sim segments", "threshold_mev": config.threshold_mev}
        super().__init__(
            config,
            where,
            files=files,
            grid=_grid(config, low * _MM, high * _MM),
            fields=frozenset(fields),
            about=about,
        )

    def events(self, file: EventFile, rows: range, wanted: frozenset[str]) -> Events:
        """See :meth:`VoxelFiles.events`."""
        segments, event = self._segments(file, rows)
        deposits, tracks, shares = self._deposits(segments, event, len(rows))
        lost = shares.outside.sum()
        if lost > 0 and self.config.outside == "refuse":
            raise DataError(
                f"{lost:.4g} MeV are outside of the grid of {self.grid.shape}",
                where=f"{file.path}, events {rows.start} to {rows.stop - 1}",
                remedy="set data.options.lower_mm and shape, or data.options.outside=drop",
            )
        counts = np.bincount(deposits.event, minlength=len(rows)).astype(np.int64)
        energy = np.bincount(deposits.voxel, deposits.energy, minlength=len(deposits.event))
        columns: dict[str, Array] = {"place": deposits.place, "deposit": energy}
        if not wanted - {"voxel_x", "voxel_y", "voxel_z", "deposit"}:
            return Events(voxels=Rows(counts, columns))
        labels = label_voxels(deposits, tracks, self._rules())
        columns |= _voxel_columns(labels, tracks)
        particles = _particles(labels, tracks, len(rows))
        return Events(voxels=Rows(counts, columns), particles=particles, points=_points(particles))

    def shares(self, file: EventFile, rows: range) -> Shares:
        """Where the energy of some events is.

        Raises:
            DataError: The file is damaged.
        """
        segments, event = self._segments(file, rows)
        return self._deposits(segments, event, len(rows))[2]

    def remarks(self) -> Sequence[str]:
        """What of the energy is lost, of the events that were looked at."""
        parts = [self.shares(file, rows) for file, rows in self._spread()]
        total = sum(part.deposited.sum() for part in parts)
        told = ["labels rest on places alone: the files have neither parents nor processes"]
        for name, text in (
            ("below", f"in voxels of up to {self.config.threshold_mev:g} MeV"),
            ("outside", "outside of the grid"),
        ):
            lost = sum(getattr(part, name).sum() for part in parts)
            if lost > 1e-6 * total:
                told.append(f"{100 * lost / total:.2f} % of the energy is {text}")
        return told

    def _segments(self, file: EventFile, rows: range) -> tuple[Mapping[str, Array], Array]:
        """Members of the segments of some events, and the number of each one's event."""
        starts = self._starts[file.path][rows.start : rows.stop + 1]
        with opened(file.path) as content:
            table, names = _table(content)
            part = table[int(starts[0]) : int(starts[-1])]
        found = {name: part[name] for name in ("dE", *_ENDS)}
        found |= {"trackID": part[names[1]], "pdgId": part[names[2]]}
        where = f"{file.path}, events {rows.start} to {rows.stop - 1}"
        for name in ("dE", *_ENDS):
            wrong = ~np.isfinite(found[name])
            if wrong.any():
                raise DataError(
                    f"{int(np.count_nonzero(wrong))} segments whose {name} is not finite",
                    where=where,
                    remedy="find what made them and write the file again",
                )
        if np.any(found["dE"] < 0):
            raise DataError(
                f"{int(np.count_nonzero(found['dE'] < 0))} segments with negative energy",
                where=where,
                remedy="give what was deposited",
            )
        return found, np.repeat(np.arange(len(rows)), np.diff(starts))

    def _deposits(
        self, segments: Mapping[str, Array], event: Array, events: int
    ) -> tuple[Deposits, Tracks, Shares]:
        """Energy of each track in each voxel above the threshold, the tracks, and what is lost."""
        place = np.stack([segments[name] for name in _ENDS], axis=1).astype(np.float64) * _MM
        start, end = self.grid.in_voxels(place[:, :3]), self.grid.in_voxels(place[:, 3:])
        energy = segments["dE"].astype(np.float64)
        margin = self.config.wall_voxels * self.config.voxel_mm
        low, high = self._volume[0] + margin, self._volume[1] - margin
        within = np.all((place[:, 3:] > low) & (place[:, 3:] < high), axis=1)
        number = segments["trackID"].astype(np.int64)
        row, tracks = tracks_of(
            event,
            number,
            pdg=segments["pdgId"],
            start=start,
            end=end,
            energy=energy,
            ends=within,
        )
        cuts = cut_at_walls(start, end)
        part = energy[cuts.piece] * cuts.share
        inside = self.grid.inside(cuts.voxel)
        outside = np.bincount(event[cuts.piece[~inside]], part[~inside], minlength=events)
        deposits, below = summed(
            event[cuts.piece[inside]],
            cuts.voxel[inside],
            row[cuts.piece[inside]],
            part[inside],
            grid=self.grid,
            threshold_mev=self.config.threshold_mev,
            events=events,
        )
        kept = np.bincount(deposits.event[deposits.voxel], deposits.energy, minlength=events)
        deposited = np.bincount(event, energy, minlength=events)
        shares = [np.asarray(one, np.float64) for one in (deposited, kept, below, outside)]
        return deposits, tracks, Shares(*shares)

    def _rules(self) -> LabelRules:
        names = ("threshold_mev", "delta_size", "compton_size", "scatter_size", "touch")
        more = {name: getattr(self.config, name) for name in (*names, "michel_mev", "precedence")}
        return LabelRules(**more)


def _table(file: h5py.File) -> tuple[h5py.Dataset, tuple[str, str, str]]:
    """The segments, and what event, track and kind are called there."""
    known = compound(file, "segments").dtype.names or ()
    names = _NAMES[1] if _NAMES[1][0] in known else _NAMES[0]
    return compound(file, "segments", *names, "dE", *_ENDS), names


def _survey(
    found: h5py.Dataset, names: tuple[str, str, str]
) -> tuple[NDArray[np.int64], tuple[Array, Array]]:
    """Where events begin (N + 1,), and the bounds of all places, cm; a pass through the file."""
    starts: list[Array] = []
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    last: int | None = None
    for first in range(0, len(found), _CHUNK):
        part = found[first : first + _CHUNK]
        number = part[names[0]].astype(np.int64)
        before = number[:1] if last is None else np.array([last])
        step = np.diff(number, prepend=before)
        if np.any(step < 0):
            raise DataError(
                "events do not follow one another",
                where=f"{found.file.filename}:/segments",
                remedy="sort the segments by eventID; the order of each track must stay",
            )
        begins = np.flatnonzero(step > 0) + first
        starts.append(np.concatenate([[0], begins]) if last is None else begins)
        last = int(number[-1])
        for end in ("start", "end"):
            place = np.stack([part[f"{axis}_{end}"] for axis in "xyz"], axis=1)
            place = place[np.isfinite(place).all(axis=1)].astype(np.float64)
            low = low if len(place) == 0 else np.minimum(low, place.min(0))
            high = high if len(place) == 0 else np.maximum(high, place.max(0))
    return np.concatenate([*starts, [len(found)]]).astype(np.int64), (low, high)


def _grid(config: EdepsimConfig, low_mm: Array, high_mm: Array) -> VoxelGrid:
    size = config.voxel_mm
    origin = np.floor(low_mm / size) * size
    if config.lower_mm is not None:
        origin = np.array(config.lower_mm)
    shape = config.shape
    if shape is None:
        needed = np.maximum(np.floor((high_mm - origin) / size).astype(np.int64) + 1, 1)
        shape = (int(needed[0]), int(needed[1]), int(needed[2]))
    return VoxelGrid(
        name="edep-sim",
        shape=shape,
        voxel_mm=size,
        origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        scheme=config.scheme,
    )


def _voxel_columns(labels: Labels, tracks: Tracks) -> dict[str, Array]:
    owned = labels.owner >= 0
    number = np.where(owned, tracks.number[labels.owner], -1)
    source = tracks.pdg[labels.source]
    shower = labels.semantic == Semantic.SHOWER
    return {
        "semantic": labels.semantic,
        "fragment": labels.fragment,
        "particle": number,
        "voxel_group": np.where(shower, -1, number),  # which pieces are one shower is not known
        "pid": np.where(owned, pid_of(tracks.pdg[labels.owner]), -1),
        "heavy": is_nucleus(source) | (source == 2112),
    }


def _particles(labels: Labels, tracks: Tracks, events: int) -> Rows:
    """Tracks that own voxels."""
    own = np.flatnonzero(labels.kind >= 0)
    kind = labels.kind[own]
    number = tracks.number[own]
    counts = np.bincount(tracks.event[own], minlength=events).astype(np.int64)
    return Rows(
        counts,
        {
            "particle_id": number,
            "particle_pid": pid_of(tracks.pdg[own]),
            "particle_semantic": kind,
            "particle_group": np.where(kind == Semantic.SHOWER, -1, number),
            "particle_start": tracks.start[own],
            "particle_end": tracks.end[own],
            "heavy": is_nucleus(tracks.pdg[own]),
        },
    )


def _points(particles: Rows) -> Rows:
    """Starts of all particles, and ends of tracks."""
    have = particles.columns
    kind = have["particle_semantic"]
    tracks = np.flatnonzero(kind == Semantic.TRACK)
    row = np.concatenate([np.arange(len(kind)), tracks])
    end = np.repeat([0, 1], [len(kind), len(tracks)])
    order = np.lexsort((end, row))
    row, end = row[order], end[order]
    place = np.where(end[:, None] > 0, have["particle_end"][row], have["particle_start"][row])
    counts = np.bincount(particles.event[row], minlength=len(particles.counts)).astype(np.int64)
    return Rows(
        counts,
        {
            **{f"point_{axis}": place[:, i] for i, axis in enumerate("xyz")},
            "point_semantic": kind[row],
            "point_end": end,
            "point_particle": have["particle_id"][row],
            "point_pid": have["particle_pid"][row],
            "heavy": have["heavy"][row],
        },
    )
