"""Where nodes start and end, by cases drawn by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import Table
from zoo_sparse_reco.grouping.config import GrappaInteractionConfig, GrappaShowerConfig
from zoo_sparse_reco.grouping.graph import graph_of

TableOf = Callable[..., Table]
Line = Callable[..., Any]


def ends(samples: Table, config: Any, **settings: Any) -> tuple[Any, Any]:
    graph = graph_of(samples, config(**settings), "spine")
    return graph.ends.start, graph.ends.end


def _track(line_of: Line, **more: Any) -> dict[str, Any]:
    place = line_of([10, 10, 10], [1, 0, 0], 20)
    count = len(place)
    truth = {"semantic": [1] * count, "fragment": [0] * count, "voxel_group": [0] * count}
    return {"place": place, **truth, **more}


def test_a_track_without_points_starts_where_it_ionises_less(
    table_of: TableOf, line_of: Line
) -> None:
    event = _track(line_of)
    rising = np.linspace(0.5, 3, len(event["place"]))
    for energy, first in ((rising, 10.5), (rising[::-1], 29.5)):
        samples = table_of([{**event, "deposit": energy}])
        start, end = ends(samples, GrappaInteractionConfig, points=False)
        assert start[0].tolist() == [first, 10.5, 10.5]
        assert end[0].tolist() == [40 - first, 10.5, 10.5]


def test_points_move_the_ends_of_a_track_and_tell_them_apart(
    table_of: TableOf, line_of: Line
) -> None:
    points = [[31.0, 10.2, 10.4], [8.0, 10.0, 10.0], [31.0, 14.0, 10.0]]
    told = _track(line_of, points=points, point_semantic=[1, 1, 1], point_end=[0, 1, 0])
    start, end = ends(table_of([told]), GrappaInteractionConfig)
    np.testing.assert_allclose(start[0], points[0], rtol=1e-6)  # the nearer of two
    np.testing.assert_allclose(end[0], points[1], rtol=1e-6)
    # Points of other classes, and those too far away, are of no matter.
    foreign = {**told, "point_semantic": [0, 2, 3]}
    start, _ = ends(table_of([foreign]), GrappaInteractionConfig)
    assert start[0].tolist() in ([10.5, 10.5, 10.5], [29.5, 10.5, 10.5])
    start, end = ends(table_of([told]), GrappaInteractionConfig, point_distance=0.5)
    assert {start[0, 0], end[0, 0]} == {10.5, 29.5}


def test_a_shower_starts_where_all_lies_ahead(table_of: TableOf, line_of: Line) -> None:
    """A cone along x from its tip at 10, once without points, once with one in its middle too."""
    rays = [line_of([10, 30, 30], way, 25) for way in ([1, 0.3, 0], [1, -0.3, 0.1], [1, 0, -0.3])]
    place = np.unique(np.concatenate(rays), axis=0)
    count = len(place)
    event = {"place": place, "semantic": [0] * count, "fragment": [0] * count}
    start, end = ends(table_of([event]), GrappaShowerConfig, points=False)
    assert np.linalg.norm(start[0] - [10.5, 30.5, 30.5]) <= 1
    away = np.linalg.norm(place + 0.5 - start[0], axis=1)
    assert np.linalg.norm(end[0] - start[0]) == pytest.approx(away.max())
    points = [[22.0, 30.0, 30.0], [9.7, 30.1, 30.0], [60.0, 60.0, 60.0]]
    event |= {"points": points, "point_semantic": [0, 0, 0]}
    start, _ = ends(table_of([event]), GrappaShowerConfig)
    np.testing.assert_allclose(start[0], points[1], rtol=1e-6)


def test_points_of_other_events_are_of_no_matter(table_of: TableOf, line_of: Line) -> None:
    alone = _track(line_of)
    pointed = _track(line_of, points=[[9.0, 10.0, 10.0]], point_semantic=[1], point_end=[0])
    start, end = ends(table_of([alone, pointed, alone]), GrappaInteractionConfig)
    assert {start[0, 0], end[0, 0]} == {start[2, 0], end[2, 0]} == {10.5, 29.5}
    assert 9.0 in (start[1, 0], end[1, 0])
