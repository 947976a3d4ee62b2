"""What tests of the simulator share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.particles import Particles, Role
from zoo_sparse_reco.physics.transport import Deposits, transported
from zoo_sparse_reco.physics.tree import Tree

Gun = Callable[..., Deposits]


def _shot(
    pid: Pid,
    kinetic: float,
    count: int,
    *,
    charge: int = -1,
    box_cm: float = 1000.0,
    step_cm: float = 0.15,
) -> Deposits:
    """Particles along z from the middle of a cube, an event each."""
    tree = Tree(count)
    event = np.arange(count)
    kind, way = np.full(count, int(pid)), np.tile([0.0, 0.0, 1.0], (count, 1))
    start = np.full((count, 3), box_cm / 2)
    shower = pid in {Pid.PHOTON, Pid.ELECTRON}
    node = tree.add(
        parent=np.full(count, -1),
        pid=kind,
        role=Role.SHOWER if shower else Role.TRACK,
        kinetic=np.full(count, kinetic),
        direction=way,
        start=start,
        event=event,
        interaction=np.zeros(count, np.int64),
        primary=True,
    )
    keys = (event.astype(np.uint64) + np.uint64(7)) * np.uint64(0x9E3779B97F4A7C15)
    charges = np.full(count, 0 if pid == Pid.PHOTON else charge)
    particles = Particles(kind, charges, np.full(count, kinetic), start, way, keys, node, event)
    return transported(particles, tree, np.full(3, box_cm), step_cm)


@pytest.fixture(scope="session")
def shot() -> Gun:
    """Shoots ``count`` particles of a kind and a kinetic energy (MeV) along z, an event each."""
    return _shot
