"""Links: samples of a later stage, with what a model of an earlier one says of them.

Each keeps the sample as it is and fills columns ``input_...``. Links follow one another: the
samples that one reads may come from another, and two models of ``sparse-group``, of showers and of
tracks, fill the particles in turn. The fact ``inputs`` lists the columns that were filled; for
those of later stages the truth stands, as in all sources of these tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.api import Link, Ragged, Table
from zoo_sparse_reco.chain.joining import joined, no_cluster
from zoo_sparse_reco.chain.links_config import ClassesConfig, FragmentsConfig, ParticlesConfig
from zoo_sparse_reco.grouping.stages import of_stage
from zoo_sparse_reco.sources.staged import STAND_INS, with_stand_ins
from zoo_sparse_reco.specs import INPUTS, STAGE_SAMPLE, VOXELS

__all__ = ["ClassesLink", "FragmentsLink", "ParticlesLink", "inputs_of_classes"]

_VOXELS = frozenset(VOXELS) - {"plane_charge"}
_POINT = "input_point_"


class _StageLink(Link):
    """Keeps all that the samples have."""

    needs: frozenset[str] = _VOXELS
    optional: frozenset[str] = frozenset(STAGE_SAMPLE) - _VOXELS
    fills: tuple[str, ...] = ()

    def facts(self, upstream: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those upstream, and which columns are predictions."""
        filled = {*upstream.get("inputs", ()), *self.fills}
        return {**upstream, "inputs": sorted(filled)}

    def link(self, samples: Table, predictions: Table) -> Table:
        """One row per sample."""
        kept = {name: samples[name] for name in samples if name in STAGE_SAMPLE}
        filled = {**kept, **self._filled(samples, predictions)}
        told = Table({"id": samples.ids, **_unknown(samples), **filled})
        absent = frozenset(STAND_INS) - frozenset(filled)
        stand_ins = with_stand_ins(told, absent)
        return told.with_columns({name: stand_ins[name] for name in absent if name in stand_ins})

    def _filled(self, samples: Table, predictions: Table) -> Mapping[str, Ragged]:
        raise NotImplementedError  # each link has its own


class ClassesLink(_StageLink):
    """Classes and points of a model of ``sparse-semantic``, for ``sparse-cluster``."""

    fills = ("input_semantic", *(name for name in INPUTS if name.startswith(_POINT)))

    def __init__(self, config: ClassesConfig) -> None:
        self.config = config

    def _filled(self, samples: Table, predictions: Table) -> Mapping[str, Ragged]:
        return inputs_of_classes(predictions)


class FragmentsLink(_StageLink):
    """Fragments of a model of ``sparse-cluster``, for showers and tracks of ``sparse-group``."""

    fills = ("input_fragment",)

    def __init__(self, config: FragmentsConfig) -> None:
        self.config = config

    def _filled(self, samples: Table, predictions: Table) -> Mapping[str, Ragged]:
        return {"input_fragment": predictions["fragment"]}


class ParticlesLink(_StageLink):
    """Groups of a model of ``sparse-group`` as particles, for its interactions.

    Groups are added to the particles that the samples have: the link of one model is the upstream
    of that of the other. A voxel that no model puts into a group, of low energy or a ghost, is of
    no particle.
    """

    fills = ("input_particle",)

    def __init__(self, config: ParticlesConfig) -> None:
        self.config = config
        self.follows = False
        if config.others == "truth":
            self.needs = _VOXELS | {"voxel_group"}

    def facts(self, upstream: Mapping[str, Any]) -> Mapping[str, Any]:
        """As of any link; they say whether one of particles stands before."""
        self.follows = "input_particle" in upstream.get("inputs", ())
        return super().facts(upstream)

    def _filled(self, samples: Table, predictions: Table) -> Mapping[str, Ragged]:
        group = _particles(predictions)
        if self.follows:
            before: Ragged = samples["input_particle"]
        elif self.config.others == "truth":
            before = samples["voxel_group"]
        else:
            before = no_cluster(group)
        return {"input_particle": joined(before, group)}


def _unknown(samples: Table) -> dict[str, Ragged]:
    """Clusters of none, for data whose truth nobody knows."""
    nothing = no_cluster(samples["voxel_x"])
    return {"input_fragment": nothing, "input_particle": nothing}


def _particles(predictions: Table) -> Ragged:
    """Groups of a model of one stage; of one that does all stages its showers and its tracks."""
    if "stage_group" not in predictions:
        found: Ragged = predictions["group"]
        return found
    showers, tracks = (of_stage(predictions, "group", number) for number in (0, 1))
    return joined(showers, tracks)


def inputs_of_classes(predictions: Table) -> dict[str, Ragged]:
    """Columns ``input_semantic`` and ``input_point_...`` of predictions of ``sparse-semantic``.

    A model that finds no points has said that there are none.
    """
    found: dict[str, Ragged] = {"input_semantic": predictions["semantic"]}
    none = np.zeros(predictions.rows + 1, np.int64)
    for name in INPUTS:
        if not name.startswith(_POINT):
            continue
        said = name.removeprefix("input_")
        if said in predictions:
            found[name] = predictions[said]
        elif "point_x" not in predictions:
            found[name] = Ragged(np.zeros(0, INPUTS[name].dtype), none)
        else:  # it knows no ends: a start and an end are as likely
            points: Ragged = predictions["point_x"]
            found[name] = Ragged(np.full(len(points.values), 0.5, np.float32), points.offsets)
    return found
