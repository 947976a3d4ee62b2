"""What another program loads: features of voxels and their tables to probabilities and offsets."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.api import Codec, Deploy, Field, Specs, UsageError, generator, uniform
from zoo_sparse_reco.codec import INPUT_TABLE, tables_of
from zoo_sparse_reco.config import BackboneConfig, UResNetConfig, UResNetPpnConfig
from zoo_sparse_reco.features import feature_names
from zoo_sparse_reco.models.networks import answers
from zoo_sparse_reco.sparse.tables import table_names

__all__ = ["SparseDeploy", "VoxelDeploy"]

_SLOTS = 8  # voxels of a level in one of the next coarser
_TYPICAL = (3000, 1700, 970, 570, 340)  # voxels of each level of a usual event, from the finest
_ODD = (301, 172, 99, 60, 37)
_FEW = (12, 7, 4, 2, 1)
_MEANINGS = {
    "neighbours": "rows of the voxels around each; offsets (dx, dy, dz) from -1 to 1, the last the "
    "fastest; -1: none",
    "children": "rows of the voxels of the next finer level in each; slots 4 (x % 2) + 2 (y % 2) + "
    "z % 2; -1: none",
    "parent": "row of the voxel of the next coarser level that holds each",
    "slot": "where in that it lies: 4 (x % 2) + 2 (y % 2) + z % 2",
}


class VoxelDeploy(Deploy):
    """Voxels of any number of events in, tables made outside; nothing depends on where they lie.

    Dims: ``voxel``, and ``coarse_1``, ``coarse_2``, ... for the voxels of coarser levels.

    Args:
        config: Of the network.
        answers: What its raw numbers mean, in the order of ``outputs``.
        outputs: Of the file.
        more: Inputs of voxels beside the features and the tables.
    """

    def __init__(
        self,
        config: BackboneConfig,
        answers: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]],
        outputs: Specs,
        more: Specs | None = None,
    ) -> None:
        self.config, self.answers = config, answers
        self.dims = ("voxel", *(f"coarse_{level}" for level in range(1, config.depth)))
        self.sizes: tuple[Mapping[str, int], ...] = (
            _sizes(self.dims, _TYPICAL),
            _sizes(self.dims, (1,)),
            _sizes(self.dims, _ODD),
        )
        self.checks: Mapping[str, int] = _sizes(self.dims, _FEW)
        self.inputs: Specs = {**_features(config), **(more or {}), **_tables(config, self.dims)}
        self.outputs: Specs = outputs

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        """The network, and what its numbers mean."""
        return _positional(tuple(self.inputs))(nets["net"], tuple(self.inputs), self.answers)

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        """One event that has exactly so many voxels on each level.

        Raises:
            UsageError: If no event has: a coarse voxel holds 1 to 8 finer ones.
        """
        counts = [dims[name] for name in self.dims]
        for fine, coarse in pairwise(counts):
            if not coarse <= fine <= _SLOTS * coarse:
                raise UsageError(
                    f"{fine} voxels cannot lie in {coarse} of twice their size",
                    where=", ".join(self.dims),
                    remedy="give each level 1 to 8 times the voxels of the next coarser one",
                )
        place = _voxels(counts, generator(keys[0]) if len(keys) else np.random.default_rng(0))
        tables, _ = tables_of(place, np.zeros(len(place), np.int64), self.config)
        drawn = {
            name: (2 * uniform(keys[: len(place)], int(field.dims[1]), tag=tag) - 1)
            for tag, (name, field) in enumerate(self.inputs.items())
            if field.dtype == "float32"
        }
        return {**{name: values.astype(np.float32) for name, values in drawn.items()}, **tables}


class SparseDeploy(VoxelDeploy):
    """Classes, and ghosts and points where the network has them."""

    def __init__(
        self,
        config: UResNetConfig,
        facts: Mapping[str, Any],  # the contract of deployments
    ) -> None:
        super().__init__(config, answers, _outputs(config))


class _Answers(nn.Module):
    """Inputs by position, as exported files have them."""

    def __init__(
        self,
        net: nn.Module,
        names: tuple[str, ...],
        answers: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]],
    ) -> None:
        super().__init__()
        self.net, self.names, self.answers = net, names, answers

    def forward(self, *arrays: Tensor) -> Tensor | tuple[Tensor, ...]:
        found = self.answers(self.net(**dict(zip(self.names, arrays, strict=True))))
        return tuple(found.values()) if len(found) > 1 else next(iter(found.values()))


def _positional(names: tuple[str, ...]) -> type[_Answers]:
    """The same with a signature that names its inputs: exporters read it. A depth has its own."""

    class Answers(_Answers):
        def forward(self, *arrays: Tensor) -> Tensor | tuple[Tensor, ...]:
            return super().forward(*arrays)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind) for name in ("self", *names)]
    Answers.forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return Answers


def _sizes(dims: tuple[str, ...], counts: tuple[int, ...]) -> dict[str, int]:
    """A size of each level; coarser ones than are listed are half of the one before."""
    sizes = list(counts[: len(dims)])
    while len(sizes) < len(dims):
        sizes.append((sizes[-1] + 1) // 2)
    return dict(zip(dims, sizes, strict=True))


def _features(config: BackboneConfig) -> Specs:
    names = feature_names(config)
    return {
        "features": Field(
            dims=("voxel", len(names)),
            dtype="float32",
            meaning=f"of each voxel: {', '.join(names)}, as the codec scales them",
        )
    }


def _tables(config: BackboneConfig, dims: tuple[str, ...]) -> Specs:
    found = {}
    if config.input_kernel != 3:
        found[INPUT_TABLE] = _table("neighbours", "voxel", config.input_kernel**3)
    for name in table_names(config.depth):
        kind, _, level = name.rpartition("_")
        columns = {"neighbours": 27, "children": _SLOTS}.get(kind)
        found[name] = _table(kind, dims[int(level)], columns)
    return found


def _table(kind: str, dim: str, columns: int | None) -> Field:
    dims = (dim,) if columns is None else (dim, columns)
    return Field(dims=dims, dtype="int32", meaning=_MEANINGS[kind])


def _outputs(config: UResNetConfig) -> Specs:
    found = {"score": _probability("of each class, given that it is no ghost", 5)}
    if config.ghosts:
        found["ghost_score"] = _probability("of a ghost")
    if isinstance(config, UResNetPpnConfig):
        found["point_offset"] = Field(
            dims=("voxel", 3),
            dtype="float32",
            unit="voxel",
            meaning="from the middle of the voxel to the point that it proposes",
        )
        found["point_score"] = _probability("that there is one")
        found["point_type"] = _probability("of each class of its particle", 5)
        if config.ends:
            found["point_end"] = _probability("that the particle ends there")
    return found


def _probability(meaning: str, columns: int | None = None) -> Field:
    dims: tuple[str | int, ...] = ("voxel",) if columns is None else ("voxel", columns)
    return Field(dims=dims, dtype="float32", meaning=f"probability {meaning}", minimum=0, maximum=1)


def _voxels(counts: list[int], rng: np.random.Generator) -> NDArray[np.int64]:
    """Different places (V, 3) with ``counts`` voxels on each level, from the coarsest on."""
    edge = int(np.ceil((2 * counts[-1]) ** (1 / 3))) + 1
    chosen = rng.choice(edge**3, counts[-1], replace=False)
    place = np.stack(np.unravel_index(chosen, (edge,) * 3), 1).astype(np.int64)
    for count in reversed(counts[:-1]):
        held = np.ones(len(place), np.int64)
        room = np.repeat(np.arange(len(place)), _SLOTS - 1)
        more = rng.choice(room, count - len(place), replace=False)
        held += np.bincount(more, minlength=len(place))
        order = rng.permuted(np.tile(np.arange(_SLOTS), (len(place), 1)), axis=1)
        row, column = np.nonzero(np.arange(_SLOTS) < held[:, None])
        slot = order[row, column]
        place = 2 * place[row] + np.stack([slot >> 2, (slot >> 1) & 1, slot & 1], 1)
    return place
