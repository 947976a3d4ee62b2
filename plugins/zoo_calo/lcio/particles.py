"""Collections of MCParticle: what was simulated."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from zoo.api import DataError
from zoo_calo.lcio.parameters import Parameters, packed_parameters, parameters_of
from zoo_calo.lcio.sio import Block
from zoo_calo.lcio.xdr import Cursor, Version

__all__ = ["Particle", "Particles", "particles_block", "particles_of"]

_ENDPOINT = 1 << 31  # of the simulator status: an end point follows
_TIME, _SPIN, _END_MOMENTUM = (1, 2), (1, 51), (2, 6)  # versions after which there are these
_OLDEST = (0, 9)  # before, daughters were stored instead of parents
_SMALLEST = 60  # bytes of a particle of any version

Triple = tuple[float, float, float]
_ZERO: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Particle:
    """One simulated particle.

    Attributes:
        tag: By which others of the event point to it.
        parents: Their tags.
        pdg: Its kind, by the numbers of the Particle Data Group.
        generator_status: 1: stable, handed to the simulation.
        simulator_status: Bits of the simulation.
        vertex_mm, time_ns: Where and when it starts.
        momentum_gev, mass_gev, charge: At its start.
        end_mm, end_momentum_gev: Where it ends, if its status says that this is told.
        spin, colour_flow: Of the generator.
    """

    tag: int = 0
    parents: tuple[int, ...] = ()
    pdg: int = 0
    generator_status: int = 1
    simulator_status: int = 0
    vertex_mm: Triple = _ZERO
    time_ns: float = 0.0
    momentum_gev: Triple = _ZERO
    mass_gev: float = 0.0
    charge: float = 0.0
    end_mm: Triple = _ZERO
    end_momentum_gev: Triple = _ZERO
    spin: Triple = _ZERO
    colour_flow: tuple[int, int] = (0, 0)

    @property
    def energy_gev(self) -> float:
        """Of momentum and mass."""
        return math.hypot(*self.momentum_gev, self.mass_gev)


@dataclass(frozen=True, kw_only=True)
class Particles:
    """A collection.

    Attributes:
        flag: Of the collection.
        parameters: Of the collection.
        particles: In order.
    """

    flag: int = 0
    parameters: Parameters = field(default_factory=Parameters)
    particles: Sequence[Particle] = ()


def particles_of(block: Block) -> Particles:
    """Of a collection's block.

    Raises:
        DataError: It is damaged, or older than LCIO 0.9.
    """
    cursor = block.cursor()
    if block.version < _OLDEST:
        raise DataError(
            f"particles of LCIO {block.version[0]}.{block.version[1]} are stored otherwise",
            where=block.where,
            remedy="convert the file with a newer LCIO",
        )
    flag = cursor.unsigned("the flag")
    parameters = parameters_of(cursor, block.version)
    count = cursor.count(_SMALLEST, "particles")
    found = [_particle(cursor, block.version) for _ in range(count)]
    return Particles(flag=flag, parameters=parameters, particles=found)


def _particle(cursor: Cursor, version: Version) -> Particle:
    tag = cursor.unsigned("the tag of a particle")
    parents = tuple(cursor.unsigned() for _ in range(cursor.count(4, "parents")))
    pdg, generator = cursor.integer(), cursor.integer()
    simulator = cursor.unsigned()
    vertex = _triple(cursor, "d")
    time = _floats(cursor, 1)[0] if version > _TIME else 0.0
    momentum, (mass, charge) = _triple(cursor, "f"), _floats(cursor, 2)
    ends = bool(simulator & _ENDPOINT)
    end = _triple(cursor, "d") if ends else _ZERO
    end_momentum = _triple(cursor, "f") if ends and version > _END_MOMENTUM else _ZERO
    spin, flow = _ZERO, (0, 0)
    if version > _SPIN:
        spin, flow = _triple(cursor, "f"), (cursor.integer(), cursor.integer())
    return Particle(
        tag=tag,
        parents=parents,
        pdg=pdg,
        generator_status=generator,
        simulator_status=simulator,
        vertex_mm=vertex,
        time_ns=time,
        momentum_gev=momentum,
        mass_gev=mass,
        charge=charge,
        end_mm=end,
        end_momentum_gev=end_momentum,
        spin=spin,
        colour_flow=flow,
    )


def _triple(cursor: Cursor, kind: str) -> Triple:
    size = struct.calcsize(f">3{kind}")
    x, y, z = struct.unpack(f">3{kind}", cursor.take(size, "a vector"))
    return (x, y, z)


def _floats(cursor: Cursor, count: int) -> tuple[float, ...]:
    return struct.unpack(f">{count}f", cursor.take(4 * count, "numbers"))


def particles_block(name: str, found: Particles, version: Version) -> Block:
    """A collection as a block."""
    parts = [
        struct.pack(">I", found.flag),
        packed_parameters(found.parameters, version),
        struct.pack(">i", len(found.particles)),
        *(_packed(particle, version) for particle in found.particles),
    ]
    return Block(name, version, b"".join(parts))


def _packed(particle: Particle, version: Version) -> bytes:
    parents = particle.parents
    parts = [
        struct.pack(f">Ii{len(parents)}I", particle.tag, len(parents), *parents),
        struct.pack(">iiI", particle.pdg, particle.generator_status, particle.simulator_status),
        struct.pack(">3d", *particle.vertex_mm),
    ]
    if version > _TIME:
        parts.append(struct.pack(">f", particle.time_ns))
    parts.append(struct.pack(">3f", *particle.momentum_gev))
    parts.append(struct.pack(">2f", particle.mass_gev, particle.charge))
    if particle.simulator_status & _ENDPOINT:
        parts.append(struct.pack(">3d", *particle.end_mm))
        if version > _END_MOMENTUM:
            parts.append(struct.pack(">3f", *particle.end_momentum_gev))
    if version > _SPIN:
        parts.append(struct.pack(">3f2i", *particle.spin, *particle.colour_flow))
    return b"".join(parts)
