"""Whole showers without tracking: components, their layers, their spots, their cells.

After Grindhammer and Peters, hep-ex/0001020, and written anew. Differences:

- A photon is a pair from where it converts: two showers that share its energy, not one.
- A plate sees the energy lost between the plate before and itself, weighted by its own share of a
  minimum ionising particle's loss there; so plates behind thicker absorber see less.
- Spots are what particles leave in single cells, with the spectra of :mod:`zoo_calo.physics.spots`.
  Sampling fluctuations come from their number; no energy is scaled afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zoo.api import generator, normal
from zoo_calo.physics.components import (
    Component,
    Matter,
    Particle,
    components,
    interaction_depth,
)
from zoo_calo.physics.grid import Grid
from zoo_calo.physics.locate import Shower, cell_at
from zoo_calo.physics.medium import depths_of, medium_of, most_probable_mev
from zoo_calo.physics.radial import drawn_radii
from zoo_calo.physics.response import Response
from zoo_calo.physics.spots import MEAN_FAR, MEAN_NEAR, crossing, far_share, moyal
from zoo_calo.physics.stack import Stack

__all__ = ["Gflash"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

_AT_ONCE = 128  # showers; bounds the memory
_MOYAL_WIDTH = 0.08  # of most probable losses: as wide as Landau's distribution in thin silicon
_TRACKS = 13  # tag of the random numbers


@dataclass(frozen=True, kw_only=True)
class _Spots:
    """Deposits of many showers: the shower, the plate, the place (mm) and the energy of each."""

    shower: Ints
    plate: Ints
    x_mm: Array
    y_mm: Array
    energy: Array


class Gflash:
    """Showers in one stack.

    Args:
        stack: The detector.
        response: Free constants in place of the detector's own.
        grid: Cells in place of the detector's own, of the same layers.
    """

    def __init__(
        self, stack: Stack, response: Response | None = None, grid: Grid | None = None
    ) -> None:
        self.stack = stack
        self.grid = stack.grid if grid is None else grid
        self.matter = Matter(
            medium=medium_of(stack),
            depths=depths_of(stack),
            response=stack.response if response is None else response,
        )
        self.mip_mev = most_probable_mev(stack.sensitive[0])

    def with_response(self, response: Response) -> Gflash:
        """With other free constants."""
        return Gflash(self.stack, response, self.grid)

    def showers(
        self, particle: Particle, energy_gev: Array, theta: Array, keys: Keys
    ) -> list[Shower]:
        """Cells in rising order, their energies and that outside of the grid, MeV, of every key.

        Args:
            particle: What comes in.
            energy_gev: (N,).
            theta: (N,), polar angle; pi / 2 is along the layers' normal.
            keys: (N,); a shower depends on its own key, energy and angle alone.
        """
        starts = range(0, len(keys), _AT_ONCE)
        parts = [slice(at, at + _AT_ONCE) for at in starts]
        found = [self._some(particle, energy_gev[p], theta[p], keys[p]) for p in parts]
        return [shower for some in found for shower in some]

    def _some(self, particle: Particle, energy: Array, theta: Array, keys: Keys) -> list[Shower]:
        slant = 1 / np.sin(theta)
        made = components(self.matter, particle, energy, slant, keys)
        spots = [self._spots(made, theta, keys)]
        if particle == "pi+":
            spots.append(self._track(theta, keys))
        return self._summed(spots, len(keys))

    def _spots(self, made: list[Component], theta: Array, keys: Keys) -> _Spots:
        slant = 1 / np.sin(theta)
        mip = self.mip_mev * self.matter.response.spot
        near = MEAN_NEAR * slant
        least = np.minimum(near, MEAN_FAR)
        visible = np.stack([one.visible for one in made], 1)  # (N, components, plates)
        unit = mip * least[:, None, None]
        index, u = _drawn(visible / unit, self.matter.response.clump_mev / unit, keys)
        core, tail, share = (
            np.stack([getattr(one.radial, name) for one in made], 1).ravel()[index]
            for name in ("core", "tail", "share")
        )
        r = drawn_radii(core, tail, share, u[:2])
        far, shower = far_share(r), index // visible[0].size
        # Spots with more energy are fewer: the energy by radius stays as it is.
        kept = u[4] * (near[shower] + far * (MEAN_FAR - near[shower])) < least[shower]
        index, shower, u, r, far = index[kept], shower[kept], u[:, kept], r[kept], far[kept]
        phi, plate = 2 * np.pi * u[2], index % visible.shape[2]
        axis = self.matter.depths.z_mm[plate] / np.tan(theta)[shower]
        return _Spots(
            shower=shower,
            plate=plate,
            x_mm=r * np.cos(phi),
            y_mm=axis + r * np.sin(phi) * slant[shower],
            energy=mip * crossing(u[3], far, slant[shower]),
        )

    def _track(self, theta: Array, keys: Keys) -> _Spots:
        """A hadron itself, in the plates before it interacts."""
        slant = 1 / np.sin(theta)
        depth = self.matter.depths.interaction * slant[:, None]
        shower, plate = np.nonzero(depth < interaction_depth(keys)[:, None])
        loss = moyal(normal(keys, len(self.stack.sensitive), tag=_TRACKS), _MOYAL_WIDTH)
        return _Spots(
            shower=shower,
            plate=plate,
            x_mm=np.zeros(len(shower)),
            y_mm=self.matter.depths.z_mm[plate] / np.tan(theta)[shower],
            energy=self.mip_mev * slant[shower] * np.maximum(loss[shower, plate], 0.1),
        )

    def _summed(self, spots: list[_Spots], showers: int) -> list[Shower]:
        shower = np.concatenate([one.shower for one in spots])
        layer = self.stack.layer[np.concatenate([one.plate for one in spots])]
        x, y = (np.concatenate([getattr(one, n) for one in spots]) for n in ("x_mm", "y_mm"))
        energy = np.concatenate([one.energy for one in spots]) / self.stack.sampling_fraction
        cell = cell_at(self.grid, layer, x, y)
        outside = np.bincount(shower[cell < 0], energy[cell < 0], showers)
        inside = cell >= 0
        each, at = np.unique(shower[inside] * self.grid.cells + cell[inside], return_inverse=True)
        deposit = np.asarray(np.bincount(at, energy[inside], len(each)), np.float64)
        ends = np.searchsorted(each, np.arange(showers + 1) * self.grid.cells)
        return [
            (each[low:high] - one * self.grid.cells, deposit[low:high], float(outside[one]))
            for one, (low, high) in enumerate(pairwise(ends))
        ]


def _drawn(expected: Array, clump: Array, keys: Keys) -> tuple[Ints, Array]:
    """Spots: to which entry of ``expected`` each belongs, and five uniform numbers for each.

    Their number is Poisson about a mean that fluctuates by a gamma distribution: its variance over
    its mean is ``clump``, for particles of one cascade come together.
    """
    count = np.empty(expected.shape, np.int64)
    numbers = [np.zeros((5, 0))]
    for at, key in enumerate(keys):
        random, size = generator(key), np.maximum(clump[at], 1e-9)
        count[at] = random.poisson(size * random.standard_gamma(expected[at] / size))
        numbers.append(random.random((5, int(count[at].sum()))))
    return np.repeat(np.arange(count.size), count.ravel()), np.concatenate(numbers, 1)
