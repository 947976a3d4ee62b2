"""All stages one after another on the same events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Table
from zoo_sparse_reco.chain.inputs import fields_to_read, shown
from zoo_sparse_reco.chain.joining import joined, numbered
from zoo_sparse_reco.chain.links import inputs_of_classes
from zoo_sparse_reco.chain.objects.ends import Points
from zoo_sparse_reco.chain.objects.event import Event, Said
from zoo_sparse_reco.chain.objects.tables import tables_of
from zoo_sparse_reco.chain.specs import RECO
from zoo_sparse_reco.chain.stage_groups import StageGroups, stage_groups
from zoo_sparse_reco.chain.stages import STAGES, Opened
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.specs import VOXELS

__all__ = ["Chain", "Meter"]

_READ = frozenset(VOXELS) - {"plane_charge"}
_OBJECTS = "tables"


class Meter(Protocol):
    """Takes time and memory of the stages."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """A stage, for the time of a ``with``."""
        ...


class _Unmeasured:
    def stage(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()


@dataclass(frozen=True)
class _Said:
    """What all stages say of some events.

    Attributes:
        inputs: All columns ``input_...``.
        showers, tracks, interactions: Groups, and what is said of their nodes.
    """

    inputs: Mapping[str, Ragged]
    showers: StageGroups
    tracks: StageGroups
    interactions: StageGroups


class Chain:
    """Events to tables of particles.

    Args:
        stages: By name, all of :data:`~zoo_sparse_reco.chain.stages.STAGES`.
        grid: Of the voxels.
        meter: Told of each stage; ``None``: nobody asks.

    Attributes:
        needs: Fields that the data must have.
    """

    def __init__(
        self, stages: Mapping[str, Opened], grid: VoxelGrid, meter: Meter | None = None
    ) -> None:
        self.stages = stages
        self.grid = grid
        self.meter: Meter = meter or _Unmeasured()
        order = [stages[stage.name] for stage in STAGES]
        asked = [(one.predictor.needs, one.stage.tells, one.is_truth) for one in order]
        self.needs = _READ | fields_to_read(asked)

    def __call__(self, samples: Table) -> Table:
        """Tables of some events: :data:`~zoo_sparse_reco.chain.specs.RECO`, one row an event.

        An event without a voxel has empty tables; no model sees it.
        """
        filled = np.flatnonzero(samples["voxel_x"].lengths > 0)
        rows: list[Mapping[str, NDArray[Any]]] = [_EMPTY] * samples.rows
        if len(filled):
            events = samples.take(filled)
            said = self._said(events)
            with self.meter.stage(_OBJECTS):
                for place, event in zip(filled, _events(events, said), strict=True):
                    rows[int(place)] = tables_of(event, self.grid)
        columns = {name: Ragged.of([row[name] for row in rows]) for name in RECO}
        kept = {"group": samples["group"]} if "group" in samples else {}
        return Table({"id": samples.ids, **kept, **columns})

    def _said(self, samples: Table) -> _Said:
        told: dict[str, Ragged] = {}
        classes = self._told("semantic", samples, told)
        told |= inputs_of_classes(classes)
        told["input_fragment"] = self._told("cluster", samples, told)["fragment"]
        showers, tracks = self._fragments_joined(samples, told)
        told["input_particle"] = joined(showers.group, tracks.group)
        interactions = stage_groups(self._told("interaction", samples, told), 2)
        return _Said(told, showers, tracks, interactions)

    def _fragments_joined(
        self, samples: Table, told: Mapping[str, Ragged]
    ) -> tuple[StageGroups, StageGroups]:
        """Showers and tracks; what does both is asked once."""
        showers = self._told("shower", samples, told)
        one, other = self.stages["shower"], self.stages["track"]
        both = one.predictor is other.predictor and "stage_group" in showers
        tracks = showers if both else self._told("track", samples, told)
        return stage_groups(showers, 0), stage_groups(tracks, 1)

    def _told(self, name: str, samples: Table, told: Mapping[str, Ragged]) -> Table:
        opened = self.stages[name]
        needs, who = opened.predictor.needs, f"{name}: {opened.model}"
        seen = shown(samples, needs, told, who, truth=opened.is_truth)
        with self.meter.stage(name):
            return opened.predictor.predict(seen, samples.ids)


def _events(samples: Table, said: _Said) -> Iterator[Event]:
    for row in range(samples.rows):
        place = np.stack([samples[f"voxel_{axis}"][row] for axis in "xyz"], axis=1)
        yield Event(
            place=place.astype(np.int64),
            deposit=samples["deposit"][row].astype(np.float64),
            semantic=said.inputs["input_semantic"][row].astype(np.int64),
            fragment=said.inputs["input_fragment"][row].astype(np.int64),
            particle=said.inputs["input_particle"][row].astype(np.int64),
            interaction=numbered(said.interactions.group[row]).astype(np.int64),
            points=_points(said.inputs, row),
            fragments=_both(said.showers.said(row), said.tracks.said(row)),
            particles=said.interactions.said(row),
        )


def _points(inputs: Mapping[str, Ragged], row: int) -> Points:
    place = np.stack([inputs[f"input_point_{axis}"][row] for axis in "xyz"], axis=1)
    semantic = inputs["input_point_semantic"][row].astype(np.int64)
    end = inputs.get("input_point_end")
    told = np.full(len(semantic), np.nan) if end is None else end[row].astype(np.float64)
    return Points(place.astype(np.float64), semantic, told)


def _both(showers: Said, tracks: Said) -> Said:
    """Primary scores of fragments of both kinds; where one model says none, NaN."""
    said = [one for one in (showers, tracks) if one.primary is not None]
    if not said:
        return Said(np.zeros(0, np.int64))
    primary = np.concatenate([one.primary for one in said if one.primary is not None])
    return Said(np.concatenate([one.node for one in said]), primary)


_EMPTY: Mapping[str, NDArray[Any]] = {
    name: np.zeros((0, *(size for size in field.dims[1:] if isinstance(size, int))), field.dtype)
    for name, field in RECO.items()
}
