"""Events per second and core of the sources that read files: run it with python.

One process and one thread; CPU time, the best of several passes. PILArNet-M, cluster tensors and
LArCV3 are written here: events of 4,000 voxels in tracks and showers of 200. Segments of edep-sim
and the LArCV2 file are the real data's (``DETECTOR_ZOO_DATA``); the latter has events of 9 to 35
voxels, so that its number is the cost of an event, not of voxels.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from zoo_sparse_reco.sources import files_config as settings
from zoo_sparse_reco.sources.edepsim import Edepsim
from zoo_sparse_reco.sources.larcv_h5 import LarcvH5
from zoo_sparse_reco.sources.larcv_root import LarcvRoot
from zoo_sparse_reco.sources.mlreco_h5 import MlrecoH5
from zoo_sparse_reco.sources.pilarnet import Pilarnet
from zoo_sparse_reco.sources.voxel_files import VoxelFiles

VOXELS, CLUSTER, AXIS = 4000, 200, 768
FEW = frozenset({"voxel_x", "voxel_y", "voxel_z", "deposit", "semantic"})
EXTENT = [("first", "u8"), ("N", "u4")]


def places(event: int) -> np.ndarray:
    """(VOXELS, 3), all different, in walks of CLUSTER voxels."""
    random = np.random.default_rng(event)
    start = random.integers(100, AXIS - 300, (VOXELS // CLUSTER, 1, 3))
    walk = np.arange(CLUSTER)[None, :, None] + random.integers(
        0, 2, (VOXELS // CLUSTER, CLUSTER, 3)
    )
    found = np.unique((start + walk).reshape(-1, 3), axis=0)
    more = np.stack([np.arange(VOXELS - len(found)), np.zeros(VOXELS - len(found))], axis=1)
    return np.concatenate([found, np.pad(more, ((0, 0), (0, 1)))]).astype(np.int64)


def write_pilarnet(path: Path, events: int) -> None:
    clusters = VOXELS // CLUSTER
    with h5py.File(path, "w") as file:
        kind = h5py.vlen_dtype(np.dtype(np.float32))
        point = file.create_dataset("point", (events,), kind)
        cluster = file.create_dataset("cluster", (events,), kind)
        for event in range(events):
            rows = np.ones((VOXELS, 8), np.float32)
            rows[:, :3] = np.random.default_rng(event).permutation(places(event))
            point[event] = rows.reshape(-1)
            number = np.arange(clusters)
            table = np.stack([np.full(clusters, CLUSTER), number, number, number, number % 2], 1)
            cluster[event] = np.pad(table, ((0, 0), (0, 1))).astype(np.float32).reshape(-1)


def write_tensors(path: Path, events: int) -> None:
    table = np.zeros((events, VOXELS, 21), np.float32)
    for event in range(events):
        table[event, :, 0] = event
        table[event, :, 1:4] = np.random.default_rng(event).permutation(places(event))
        table[event, :, 4] = 1
        table[event, :, 5:10] = (np.arange(VOXELS) // CLUSTER)[:, None]
    with h5py.File(path, "w") as file:
        file["cluster_label"] = table.reshape(-1, 21)


def extents(sizes: Any) -> np.ndarray:
    found = np.zeros(len(sizes), EXTENT)
    found["N"], found["first"] = sizes, np.cumsum(sizes) - sizes
    return found


def write_larcv3(path: Path, events: int) -> None:
    meta = np.zeros(
        events, [("number_of_voxels", "u8", 3), ("image_sizes", "f8", 3), ("origin", "f8", 3)]
    )
    meta["number_of_voxels"], meta["image_sizes"] = AXIS, AXIS
    voxels = np.zeros(events * VOXELS, [("id", "u8"), ("value", "f4")])
    for event in range(events):
        x, y, z = places(event).T
        voxels["id"][event * VOXELS : (event + 1) * VOXELS] = np.sort((x * AXIS + y) * AXIS + z)
    voxels["value"] = 1
    clusters = VOXELS // CLUSTER
    with h5py.File(path, "w") as file:
        for name in ("sparse3d_pcluster", "sparse3d_pcluster_semantics", "cluster3d_pcluster"):
            group = file.create_group(f"Data/{name}_group")
            group["extents"], group["image_meta"], group["voxels"] = (
                extents([1] * events),
                meta,
                voxels,
            )
            if name.startswith("sparse"):
                group["voxel_extents"] = extents([VOXELS] * events)
            else:
                group["projection_extents"] = extents([clusters] * events)
                group["cluster_extents"] = extents([CLUSTER] * clusters * events)


def spent(source: VoxelFiles, fields: frozenset[str], passes: int) -> tuple[float, float]:
    """Events and voxels per second of CPU time, the best of several passes."""
    blocks = source.blocks()
    best, voxels = np.inf, 0
    for _ in range(passes):
        start = time.process_time()
        tables = [source.read(block, slice(0, None), fields) for block in blocks]
        best = min(best, time.process_time() - start)
        voxels = sum(len(table["deposit"].values) for table in tables)
    return sum(block.rows for block in blocks) / best, voxels / best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=64)
    parser.add_argument("--passes", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made: list[tuple[str, Callable[[], VoxelFiles]]] = []
        for name, write, factory, config in (
            ("pilarnet", write_pilarnet, Pilarnet, settings.PilarnetConfig()),
            ("mlreco-h5", write_tensors, MlrecoH5, settings.MlrecoH5Config()),
            ("larcv-h5", write_larcv3, LarcvH5, settings.LarcvH5Config(unit_mm=3)),
        ):
            path = Path(folder) / f"{name}.h5"
            write(path, options.events)
            made.append((name, lambda make=factory, config=config, path=path: make(config, path)))
        real = Path(os.environ.get("DETECTOR_ZOO_DATA", "")) / "sparse-reco"
        if real.is_dir():
            sample = real / "larndsim" / "edepsim_mixed_sample.h5"
            made.append(("edepsim", lambda: Edepsim(settings.EdepsimConfig(), sample)))
            if importlib.util.find_spec("uproot"):
                replica = real / "mini_larcv2_replica.root"
                made.append(("larcv-root", lambda: LarcvRoot(settings.LarcvRootConfig(), replica)))
        for name, make in made:
            source = make()
            for told, fields in (("voxels and classes", FEW), ("all fields", source.fields)):
                events, voxels = spent(source, fields & source.fields, options.passes)
                rate = f"{events:8.0f} events/s {voxels / 1e6:6.2f} M voxels/s"
                sys.stdout.write(f"{name:12s} {told:20s} {rate}\n")


if __name__ == "__main__":
    main()
