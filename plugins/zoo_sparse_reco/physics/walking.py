"""Charged particles on their way: energy, direction and place, step by step.

First the energies alone: from one hard event to the next a particle loses energy by the tables of
ranges. Then steps of equal length between those events, their turns, their places and what they
deposit, all particles at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import normal, uniform
from zoo_sparse_reco.physics.bremsstrahlung import hard_rate, hard_size
from zoo_sparse_reco.physics.draws import numbered
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import MASS
from zoo_sparse_reco.physics.particles import Particles, Rows
from zoo_sparse_reco.physics.stopping import ranges
from zoo_sparse_reco.physics.straggling import fluctuate
from zoo_sparse_reco.physics.turning import highland, turned

__all__ = ["HardEvents", "Steps", "Walk", "walk"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_LONGEST_LEG = 20.0  # cm, over which the rate of delta rays is taken as constant ...
_SHARE_OF_RANGE = 0.3  # ... nor more of what is left to go
_DETOUR, _DETOUR_CM = 1.3, 5.0  # how much longer than straight a way out of the grid may be
_UNIT = 1e9  # of 1 cm: places are added up in whole numbers, exactly, so that company is no matter
_INTERACTION, _HARD, _TURN = 121, 122, 123  # tags

# Mean free path to an inelastic interaction with a nucleus, cm, by kind. The nuclear interaction
# length of liquid argon is 85.7 cm (Particle Data Group); cross sections below 1 GeV are about
# 0.45 b for protons, 0.6 b for pions and 0.35 b for kaons (from memory).
_FREE_PATH = np.full(len(MASS), np.inf)
_FREE_PATH[[Pid.PROTON, Pid.PION, Pid.KAON]] = 105.0, 80.0, 135.0


@dataclass(frozen=True)
class Steps(Rows):
    """Straight pieces of the ways of particles, in their order.

    Attributes:
        owner: int64 (n,), which particle.
        start: float64 (n, 3), cm.
        end: float64 (n, 3).
        deposit: float64 (n,), MeV.
        length: float64 (n,), cm.
        key: uint64 (n,).
    """

    owner: Whole
    start: Array
    end: Array
    deposit: Array
    length: Array
    key: NDArray[np.uint64]


@dataclass(frozen=True)
class HardEvents(Rows):
    """Photons radiated, or electrons knocked out.

    Attributes:
        owner: int64 (n,), which particle.
        number: int64 (n,), along its way.
        energy: float64 (n,), MeV.
        place: float64 (n, 3), cm.
        direction: float64 (n, 3), of the particle there.
    """

    owner: Whole
    number: Whole
    energy: Array
    place: Array
    direction: Array


@dataclass(frozen=True)
class Walk:
    """Ways of N particles.

    Attributes:
        steps: Within the grid.
        hard: Within the grid.
        end: float64 (N, 3), cm, where it stops, interacts or leaves the grid.
        direction: float64 (N, 3), there.
        kinetic: float64 (N,), MeV, of one that interacts; else 0.
        stops: bool (N,): it comes to rest in the grid.
        interacts: bool (N,), with a nucleus in the grid.
        lost: float64 (N,), MeV that leave the grid.
    """

    steps: Steps
    hard: HardEvents
    end: Array
    direction: Array
    kinetic: Array
    stops: BoolArray
    interacts: BoolArray
    lost: Array


@dataclass(frozen=True)
class _Legs(Rows):
    """From one hard event to the next."""

    owner: Whole
    number: Whole
    kinetic: Array  # at its start
    length: Array
    after: Array  # kinetic energy at its end, before the hard event
    given: Array  # energy of the hard event at its end; 0: none


def walk(particles: Particles, box_cm: Array, step_cm: float) -> Walk:
    """Let charged particles go until they stop, interact, or leave the grid.

    Args:
        particles: Charged ones.
        box_cm: (3,), the grid reaches from 0 to here.
        step_cm: Longest step.
    """
    legs, kinetic, stops, interacts = _legs(particles, box_cm)
    steps, number, last, direction = _steps(particles, legs, step_cm)
    inside = np.all((steps.end >= 0) & (steps.end < box_cm), axis=1)
    first_out = np.full(len(particles), np.iinfo(np.int64).max)
    np.minimum.at(first_out, steps.owner[~inside], number[~inside])
    kept = number < first_out[steps.owner]
    leaves = first_out < np.iinfo(np.int64).max
    happens = (legs.given > 0) & kept[last]
    hard = HardEvents(
        legs.owner[happens],
        legs.number[happens],
        legs.given[happens],
        steps.end[last[happens]],
        direction[last[happens]],
    )
    steps, direction = steps.take(kept), direction[kept]
    final = np.cumsum(np.bincount(steps.owner, minlength=len(particles))) - 1
    moved = np.bincount(steps.owner, minlength=len(particles)) > 0
    end, heading = particles.place.copy(), particles.direction.copy()
    end[moved], heading[moved] = steps.end[final[moved]], direction[final[moved]]
    stops, interacts = stops & ~leaves, interacts & ~leaves
    kinetic = np.where(interacts, kinetic, 0.0)
    spent = np.bincount(steps.owner, weights=steps.deposit, minlength=len(particles))
    spent += np.bincount(hard.owner, weights=hard.energy, minlength=len(particles))
    lost = np.where(stops | interacts, 0.0, particles.kinetic - spent)
    return Walk(steps, hard, end, heading, kinetic, stops, interacts, lost)


def _legs(particles: Particles, box_cm: Array) -> tuple[_Legs, Array, BoolArray, BoolArray]:
    """The energies along the ways.

    Also, by particle, that at the end, whether it rests there, and whether it meets a nucleus.
    """
    count, pid = len(particles), particles.pid
    draw = uniform(particles.key, tag=_INTERACTION)
    meets = -np.log1p(-draw) * _FREE_PATH[pid]
    limit = np.minimum(meets, _way_out(particles, box_cm))
    kinetic, gone = particles.kinetic.copy(), np.zeros(count)
    table, at, number = ranges(), np.arange(count), 0
    done: list[_Legs] = []
    while len(at):
        kind, energy = pid[at], kinetic[at]
        reach = table.range_cm(energy, kind)
        draw = uniform(numbered(particles.key[at], np.full(len(at), number)), 4, tag=_HARD)
        rate = hard_rate(energy, kind)
        free = -np.log1p(-draw[:, 0]) / np.maximum(rate, 1e-12)
        light = kind == Pid.ELECTRON
        most = np.where(light, np.inf, np.minimum(_LONGEST_LEG, _SHARE_OF_RANGE * reach))
        most = np.maximum(most, np.minimum(reach, 1.0))
        length = np.minimum(np.minimum(free, reach), np.minimum(limit[at] - gone[at], most))
        after = table.kinetic(reach - length, kind)
        size, taken = hard_size(after, kind, draw[:, 1:3])
        # Rates fall along a leg: of as many events as its start has, the share that the end has.
        taken &= draw[:, 3] * rate < hard_rate(after, kind)
        given = np.where(taken & (length >= free) & (size < after), size, 0.0)
        done.append(_Legs(at, np.full(len(at), number), energy, length, after, given))
        kinetic[at] = after - given
        gone[at] += length
        at = at[(kinetic[at] > 0) & (gone[at] < limit[at] * (1 - 1e-12))]
        number += 1
    legs = _Legs.joined(done)
    legs = legs.take(np.argsort(legs.owner, kind="stable"))
    stops = kinetic <= 0
    return legs, kinetic, stops, ~stops & (gone >= meets * (1 - 1e-9))


def _way_out(particles: Particles, box_cm: Array) -> Array:
    """A length of way (n,), cm, after which a particle has left the grid."""
    heading = particles.direction
    with np.errstate(divide="ignore", invalid="ignore"):
        exits = np.where(heading > 0, box_cm - particles.place, -particles.place) / heading
    straight = np.nanmin(np.where(np.isfinite(exits), exits, np.inf), axis=1)
    return np.where(particles.pid == Pid.ELECTRON, np.inf, _DETOUR * straight + _DETOUR_CM)


def _steps(particles: Particles, legs: _Legs, step_cm: float) -> tuple[Steps, Whole, Whole, Array]:
    """All steps, their numbers along each way, the last one of each leg, and their directions."""
    pieces = np.maximum(np.ceil(legs.length / step_cm), 1).astype(np.int64)
    ends = np.cumsum(pieces)
    leg = np.repeat(np.arange(len(legs)), pieces)
    within = np.arange(len(leg)) - (ends - pieces)[leg]
    owner = legs.owner[leg]
    per_owner = np.bincount(owner, minlength=len(particles))
    begins = np.cumsum(per_owner) - per_owner
    number = np.arange(len(leg)) - begins[owner]
    key = numbered(particles.key[owner], number, 1)
    pid, table = particles.pid[owner], ranges()
    length = (legs.length / pieces)[leg]
    reach = table.range_cm(legs.kinetic, particles.pid[legs.owner])[leg]
    before = table.kinetic(reach - within * length, pid)
    before = np.where(within == 0, legs.kinetic[leg], before)
    after = np.concatenate([before[1:], [0.0]])
    last = ends - 1
    after[last] = legs.after
    mean, middle = before - after, (before + after) / 2
    deposit = fluctuate(key, mean, middle, length, pid)
    # What particles lose on average they lose here in all: their energies are those of the legs.
    total = np.bincount(owner, weights=mean, minlength=len(particles))
    drawn = np.bincount(owner, weights=deposit, minlength=len(particles))
    deposit *= (total / np.maximum(drawn, 1e-30))[owner]
    whole_way = np.bincount(owner, weights=length, minlength=len(particles))[owner]
    angle = highland(np.maximum(middle, 1e-3), MASS[pid], length, np.maximum(whole_way, length))
    kicks = normal(key, 2, tag=_TURN) * np.minimum(angle, 1.5)[:, None]
    direction = turned(particles.direction[owner], kicks, number)
    moves = np.rint(direction * (length * _UNIT)[:, None]).astype(np.int64)
    sums = np.cumsum(moves, axis=0)
    base = np.concatenate([np.zeros((1, 3), np.int64), sums])[begins[owner]]
    end = particles.place[owner] + (sums - base) / _UNIT
    start = particles.place[owner] + (sums - moves - base) / _UNIT
    return Steps(owner, start, end, deposit, length, key), number, last, direction
