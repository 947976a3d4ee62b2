"""An event that a reader can turn: all voxels, with what truth and every model say of them.

The page is ``event.html``, its script ``event.js``; both are the same for all events. Voxels travel
as base64 of little-endian numbers: an event of 20,000 voxels with two models takes about 0.4 MB.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Interactive
from zoo_sparse_reco.drawings.styles import class_colours
from zoo_sparse_reco.drawings.views import CLASS, Event, View
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

__all__ = ["MOST_VOXELS", "interactive"]

MOST_VOXELS = 40_000
"""Of larger events the voxels of most energy are shown, and the page says so."""

_HEIGHT = 620
_NO_CLUSTER = 65_535


def interactive(
    event: Event,
    grid: VoxelGrid,
    names: Sequence[str],
    by: Sequence[str] = (CLASS, "fragment"),
) -> Interactive:
    """The page of one event.

    Args:
        event: With at least one view.
        grid: Of the voxels.
        names: Of the five classes.
        by: What can give voxels their colours, beside their energy; at first the first one does.
    """
    most = np.argsort(-event.energy, kind="stable")[:MOST_VOXELS]
    chosen = np.sort(most)
    return Interactive(
        markup=_text("event.html"),
        script=_text("event.js"),
        data={
            "grid": {"name": grid.name, "shape": list(grid.shape), "voxel_mm": grid.voxel_mm},
            "classes": [*names, "ghost", "unknown"],
            "colours": class_colours(names),
            "by": list(by),
            "voxels": len(event.place),
            "place": _packed(event.place[chosen], "<u2"),
            "energy": _packed(event.energy[chosen], "<f4"),
            "views": [_view(view, chosen) for view in event.views],
        },
        height=_HEIGHT,
    )


def _view(view: View, chosen: NDArray[np.intp]) -> Mapping[str, Any]:
    semantic = np.where(view.semantic < 0, 6, view.semantic)
    return {
        "name": view.name,
        "semantic": _packed(semantic[chosen], "u1"),
        "clusters": {
            kind: _packed(_numbers(number[chosen]), "<u2") for kind, number in view.clusters.items()
        },
        "points": np.round(view.points, 2).tolist(),
        "point_semantic": view.point_semantic.tolist(),
        "point_end": view.point_end.astype(int).tolist(),
    }


def _numbers(cluster: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of 16 bits, the last for none."""
    return np.where(cluster < 0, _NO_CLUSTER, cluster % _NO_CLUSTER)


def _packed(values: NDArray[Any], dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode()


@cache
def _text(name: str) -> str:
    return (files("zoo_sparse_reco.drawings") / name).read_text(encoding="utf-8")
