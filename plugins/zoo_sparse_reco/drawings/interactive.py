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
from zoo_sparse_reco.drawings.views import Event, View
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

__all__ = ["MOST_VOXELS", "interactive"]

MOST_VOXELS = 40_000
"""Of larger events the voxels of most energy are shown, and the page says so."""

_HEIGHT = 620
_NO_FRAGMENT = 65_535


def interactive(event: Event, grid: VoxelGrid, names: Sequence[str]) -> Interactive:
    """The page of one event.

    Args:
        event: With at least one view.
        grid: Of the voxels.
        names: Of the five classes.
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
            "voxels": len(event.place),
            "place": _packed(event.place[chosen], "<u2"),
            "energy": _packed(event.energy[chosen], "<f4"),
            "views": [_view(view, chosen) for view in event.views],
        },
        height=_HEIGHT,
    )


def _view(view: View, chosen: NDArray[np.intp]) -> Mapping[str, Any]:
    semantic = np.where(view.semantic < 0, 6, view.semantic)
    told: dict[str, Any] = {
        "name": view.name,
        "semantic": _packed(semantic[chosen], "u1"),
        "points": np.round(view.points, 2).tolist(),
        "point_semantic": view.point_semantic.tolist(),
        "point_end": view.point_end.astype(int).tolist(),
    }
    if view.fragment is not None:
        fragment = np.where(view.fragment < 0, _NO_FRAGMENT, view.fragment % _NO_FRAGMENT)
        told["fragment"] = _packed(fragment[chosen], "<u2")
    return told


def _packed(values: NDArray[Any], dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode()


@cache
def _text(name: str) -> str:
    return (files("zoo_sparse_reco.drawings") / name).read_text(encoding="utf-8")
