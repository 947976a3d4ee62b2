"""Events to batches of the clustering networks, and their answers to fragments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Batch, Codec, DataError, Ragged, Table
from zoo_sparse_reco.augment import augment
from zoo_sparse_reco.clustering.config import ClusterConfig, GraphSpiceConfig, SpiceConfig
from zoo_sparse_reco.clustering.edges import edge_clusters
from zoo_sparse_reco.clustering.greedy import greedy_clusters
from zoo_sparse_reco.clustering.numbers import clustered_classes, groups_of
from zoo_sparse_reco.clustering.targets import edge_targets, edges_of, member_targets
from zoo_sparse_reco.codec import tables_of
from zoo_sparse_reco.features import features_of, fields_of
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid, grid_of
from zoo_sparse_reco.points.fragments import places_of
from zoo_sparse_reco.sparse.tables import neighbour_table
from zoo_sparse_reco.within_events import numbered

__all__ = ["ClusterCodec", "positions_of"]

_VOXELS = frozenset({"voxel_x", "voxel_y", "voxel_z", "input_semantic"})


class ClusterCodec(Codec):
    """All voxels of a batch one after another, and who neighbours whom on every level.

    The networks see no classes. These say which voxels are clustered together: in the loss, and
    when clusters are made of the networks' answers.
    """

    config: ClusterConfig

    def __init__(
        self, config: ClusterConfig, facts: Mapping[str, Any], constants: Mapping[str, Any]
    ) -> None:
        super().__init__(config, facts, constants)
        self.needs = _VOXELS | fields_of(config.features)
        self.targets = frozenset({"fragment"})

    @property
    def grid(self) -> VoxelGrid:
        """The grid of the training data.

        Raises:
            DataError: If the facts have none.
        """
        return grid_of(self.facts)

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        """See :class:`~zoo_sparse_reco.config.Augmentation`."""
        return augment(samples, keys, self.config.augmentation, self.grid.shape)

    def encode(self, samples: Table) -> Batch:
        """``features`` float32 (V, columns), of SPICE ``position`` (V, 3), tables of all levels.

        Raises:
            DataError: If a voxel is there twice.
        """
        place = places_of(samples)
        event = np.repeat(np.arange(samples.rows), samples["voxel_x"].lengths)
        tables, levels = tables_of(place, event, self.config)
        inputs: dict[str, Any] = {"features": features_of(samples, self.config, self.grid)}
        if isinstance(self.config, SpiceConfig):
            inputs["position"] = positions_of(place, self.grid.shape)
        targets = self._targets(samples, levels[0].neighbours) if "fragment" in samples else {}
        return Batch({**inputs, **tables}, targets, samples.ids)

    def decode(self, outputs: Mapping[str, Any], samples: Table) -> Table:
        """``fragment`` of each voxel.

        Raises:
            DataError: The network's answers are not finite.
        """
        told = {name: np.asarray(values, np.float64) for name, values in outputs.items()}
        for name, values in told.items():
            if not np.isfinite(values).all():
                raise DataError(
                    f"the network answers with numbers that are not finite for '{name}'",
                    where="sparse-cluster",
                    remedy="look at the energies of these events, or use another snapshot",
                )
        group = self._groups(samples)
        offsets = samples["input_semantic"].offsets
        if isinstance(self.config, GraphSpiceConfig):
            label = self._joined(told["cut"], samples, group)
        else:
            label = self._greedy(told, group)
        return Table({"id": samples.ids, "fragment": numbered(label, offsets)})

    def _groups(self, samples: Table) -> NDArray[np.int64]:
        semantic: Ragged = samples["input_semantic"]
        return groups_of(semantic, clustered_classes(self.grid.scheme))

    def _targets(self, samples: Table, table: NDArray[np.integer]) -> dict[str, Any]:
        group, fragment = self._groups(samples), samples["fragment"]
        if isinstance(self.config, SpiceConfig):
            return member_targets(group, fragment.values, self.config.fewest_voxels)
        return edge_targets(table, group, fragment.values, fragment.offsets)

    def _greedy(
        self, told: Mapping[str, NDArray[np.float64]], group: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        assert isinstance(self.config, SpiceConfig)
        label = np.full(len(group), -1, np.int64)
        order = np.argsort(group, kind="stable")
        cuts = np.flatnonzero(np.diff(group[order])) + 1
        found = 0
        for rows in np.split(order, cuts):
            if not len(rows) or group[rows[0]] < 0:
                continue
            clusters = greedy_clusters(
                told["embedding"].reshape(-1, 3)[rows],
                told["margin"].ravel()[rows],
                told["seed"].ravel()[rows],
                probability=self.config.probability,
                least=self.config.seed,
                smallest=self.config.smallest,
            )
            label[rows] = np.where(clusters >= 0, clusters + found, -1)
            found += int(clusters.max()) + 1
        return label

    def _joined(
        self, cut: NDArray[np.float64], samples: Table, group: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        assert isinstance(self.config, GraphSpiceConfig)
        event = np.repeat(np.arange(samples.rows), samples["voxel_x"].lengths)
        one, other, place = edges_of(neighbour_table(places_of(samples), event), group)
        kept = cut.ravel()[place] <= self.config.cut
        label = edge_clusters(len(group), one, other, kept, self.config.smallest)
        return np.where(group >= 0, label, -1)


def positions_of(place: NDArray[np.int64], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Middles of voxels (V, 3) from the middle of the grid, half of its longest axis being 1."""
    size = np.array(shape, np.float64)
    moved: NDArray[np.float64] = (place + 0.5 - size / 2) / (size.max() / 2)
    return moved.astype(np.float32).reshape(-1, 3)
