"""Showers of a model at given energies and angles, each drawn from a key of its own."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.api import DataError, Table, UsageError, facts_of, load, sample_ids, uniform
from zoo_calo.physics.grid import Grid, grid_of
from zoo_calo.showers_out.writer import Job, open_writer

__all__ = ["TASK", "Wanted", "generate_file", "questions"]

TASK = "calo"
_TOGETHER = 64
_ASKED = frozenset({"energy", "theta"})
_NORMAL_DEG = 90.0
_ENERGY = 20  # tag of the draw of energies


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a user asks for.

    Attributes:
        model: Id, run directory or model file of the task calo.
        out: The file.
        events: Showers of each energy and angle.
        energies_gev: Each of them; or
        between: ``LOW,HIGH``, energies between, uniformly.
        thetas_deg: Polar angles; empty: along the normal.
        seed: Of the showers.
        format: Of the file.
        data: Data on whose grid a classical model works.
        map, collection, pdg: See :class:`~zoo_calo.showers_out.writer.Job`.
        device: Where a network computes.
    """

    model: str
    out: Path
    events: int
    energies_gev: tuple[float, ...] = ()
    between: str = ""
    thetas_deg: tuple[float, ...] = ()
    seed: int = 1
    format: str = "calo-h5"
    data: str = ""
    map: str = ""
    collection: str = "SimCalorimeterHit"
    pdg: int = 22
    device: str = "cpu"


def generate_file(wanted: Wanted, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Make the showers and write them.

    Args:
        wanted: What to make.
        progress: Told (showers done, showers in all).

    Returns:
        What was done, as JSON values.

    Raises:
        UsageError: No energy is given, or the model is of another task or needs something else.
        DataError: There is no grid, or the format does not hold it.
        WeightsError, PluginError: As :func:`zoo.api.load`.
    """
    predictor, grid = _opened(wanted)
    needs = frozenset(predictor.needs)
    if needs - _ASKED:
        raise UsageError(
            f"it needs {', '.join(sorted(needs - _ASKED))}, and there is only the particle",
            where=wanted.model,
            remedy="name a model that makes showers from energy and angle",
        )
    angled = "theta" in needs
    if not angled and any(theta != _NORMAL_DEG for theta in wanted.thetas_deg):
        raise UsageError(
            "this model knows no angles",
            where=f"{wanted.model}: --theta",
            remedy="leave --theta out, or name a model of many angles",
        )
    total = _total(wanted)
    job = Job(
        path=wanted.out,
        grid=grid,
        angled=angled,
        map=wanted.map,
        collection=wanted.collection,
        pdg=wanted.pdg,
        about={"generator": wanted.model, "seed": str(wanted.seed)},
    )
    done, seconds = 0, 0.0
    with open_writer(wanted.format, job) as writer:
        for asked in questions(wanted, angled=angled):
            began = time.perf_counter()
            made = predictor.predict(asked, asked.ids)
            seconds += time.perf_counter() - began
            writer.append(asked.with_columns({name: made[name] for name in ("cell", "deposit")}))
            done += asked.rows
            progress(done, total)
    return {
        "file": str(wanted.out),
        "format": wanted.format,
        "model": wanted.model,
        "grid": grid.name,
        "showers": done,
        "seed": wanted.seed,
        "ms_per_shower": 1000 * seconds / done,
    }


def questions(wanted: Wanted, *, angled: bool) -> Iterator[Table]:
    """Particles in pieces of some: ``id``, ``energy``, and ``theta`` where the model knows angles.

    A shower's key, and an energy that is drawn, depend on seed and number alone: fewer events are
    the first ones of more.

    Raises:
        UsageError: Energies or angles make no sense.
    """
    thetas = wanted.thetas_deg or (_NORMAL_DEG,)
    if any(not 0 < theta < 180 for theta in thetas):
        raise UsageError(
            f"polar angles of {', '.join(f'{theta:g}' for theta in thetas)} degrees",
            where="--theta",
            remedy="give angles between 0 and 180; 90 is along the normal of the layers",
        )
    digest = hashlib.sha256(f"zoo calo generate, seed {wanted.seed}".encode()).hexdigest()
    total = _total(wanted)
    low, high, steps = _energies(wanted)
    for first in range(0, total, _TOGETHER):
        number = np.arange(first, min(first + _TOGETHER, total))
        ids = sample_ids(digest, number)
        # The last index runs fastest: each round has a shower of every energy and angle.
        which = number % (len(steps or (0,)) * len(thetas))
        if steps:
            energy = np.array(steps)[which % len(steps)]
        else:
            energy = low + (high - low) * uniform(ids, 1, tag=_ENERGY)[:, 0]
        columns: dict[str, Any] = {"id": ids, "energy": energy.astype(np.float32)}
        if angled:
            angle = np.radians(thetas)[which // len(steps or (0,))]
            columns["theta"] = angle.astype(np.float32)
        yield Table(columns)


def _total(wanted: Wanted) -> int:
    _, _, steps = _energies(wanted)
    return wanted.events * len(steps or (0,)) * len(wanted.thetas_deg or (0,))


def _energies(wanted: Wanted) -> tuple[float, float, tuple[float, ...]]:
    """Lowest and highest energy of a range, or the energies one by one."""
    if bool(wanted.energies_gev) == bool(wanted.between):
        raise UsageError(
            "give either --energy or --energies",
            where="energies",
            remedy="--energy 20 --energy 50, or --energies 10,100",
        )
    if wanted.energies_gev:
        ends: list[float] = list(wanted.energies_gev)
    else:
        try:
            ends = [float(part) for part in wanted.between.split(",")]
        except ValueError:
            ends = []
        if len(ends) != 2 or ends[0] >= ends[1]:
            raise UsageError(
                f"'{wanted.between}' is no range of energies",
                where="--energies",
                remedy="write LOW,HIGH in GeV: --energies 10,100",
            )
    if any(not 0 < energy < np.inf for energy in ends):
        raise UsageError(
            f"energies of {', '.join(f'{energy:g}' for energy in ends)} GeV",
            where="energies",
            remedy="give positive energies",
        )
    return ends[0], ends[-1], wanted.energies_gev


def _opened(wanted: Wanted) -> tuple[Any, Grid]:
    """The model and the grid that it fills."""
    _require_task(wanted.model if not Path(wanted.model).exists() else f"{TASK}/", wanted.model)
    facts = facts_of(TASK, wanted.data) if wanted.data else {}
    unknown = UsageError(
        "a classical model does not know a detector",
        where=wanted.model,
        remedy="give --data SOURCE:PATH, data whose grid it is to fill",
    )
    try:
        predictor = load(wanted.model, facts=facts, device=wanted.device)
    except DataError as error:
        if wanted.data:
            raise
        raise unknown from error  # it looked for a grid in the facts, and there are none
    _require_task(getattr(predictor, "model", f"{TASK}/"), wanted.model)
    trained = getattr(predictor, "facts", None) or facts
    if "grid" not in trained:
        raise unknown
    return predictor, grid_of(trained)


def _require_task(id_: str, where: str) -> None:
    task = id_.partition("/")[0]
    if task != TASK:
        raise UsageError(
            f"a model of the task '{task}'", where=where, remedy=f"name a model of the task {TASK}"
        )
