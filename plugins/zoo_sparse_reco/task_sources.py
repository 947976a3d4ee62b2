"""Where the events of all tasks of this plugin come from: plain data."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.api import SourceSpec

__all__ = ["SOURCES"]

_HERE = "zoo_sparse_reco"


def _files(factory: str, summary: str) -> SourceSpec:
    name = factory.partition(":")[2]
    return SourceSpec(
        kind="adapter",
        factory=f"{_HERE}.sources.{factory}",
        config=f"{_HERE}.sources.files_config:{name}Config",
        summary=summary,
    )


SOURCES: Mapping[str, SourceSpec] = {
    "events": SourceSpec(
        kind="simulator",
        factory=f"{_HERE}.sources.events:Events",
        config=f"{_HERE}.sources.events_config:EventsConfig",
        summary="particles from a vertex and rain through liquid argon, in voxels, with truth",
    ),
    "pilarnet": _files("pilarnet:Pilarnet", "HDF5 files of PILArNet-M, one or a folder"),
    "larcv-root": _files("larcv_root:LarcvRoot", "ROOT files of LArCV2, read without ROOT"),
    "larcv-h5": _files("larcv_h5:LarcvH5", "HDF5 files of LArCV3, read without larcv"),
    "mlreco-h5": _files("mlreco_h5:MlrecoH5", "tensors of voxels as lartpc_mlreco3d has them"),
    "edepsim": _files("edepsim:Edepsim", "segments of edep-sim, made into voxels"),
}
"""A simulator and adapters of files; each makes the same samples, with all truth that it has."""
