"""CPU time and memory of a submanifold convolution, 3^3, 32 to 32 channels: run it with python.

One thread. Voxels are those of random tracks. What is compared is run in turn, again and again, and
the least CPU time of each counts, for a busy machine makes all of them slower, never faster. spconv
is measured where it can be imported, with its lists of pairs kept from an earlier call (`kept`) and
with new ones (`new`); of dense convolution there is one call. All times are without gradients but
`forward + backward`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from zoo_sparse_reco.sparse.convolution import convolve
from zoo_sparse_reco.sparse.maps import NeighbourMap
from zoo_sparse_reco.sparse.tables import neighbour_table

CHANNELS = 32
Row = dict[str, Any]


def tracks(count: int, size: int, seed: int = 0) -> NDArray[np.int64]:
    """So many voxels (N, 3) of random walks of 100 voxels' length with some thickness, sorted."""
    drawn = np.random.default_rng(seed)
    every: list[NDArray[np.float64]] = []
    for _ in range(2 + count // 80):
        direction = drawn.normal(size=3)
        direction /= np.linalg.norm(direction)
        steps = 0.5 * (direction + 0.1 * drawn.normal(size=(200, 3)))
        line = drawn.uniform(0, size, 3) + np.cumsum(steps, axis=0)
        every.append(np.repeat(line, 2, axis=0) + 0.45 * drawn.normal(size=(400, 3)))
    voxels = np.floor(np.concatenate(every)).astype(np.int64)
    inside = voxels[((voxels >= 0) & (voxels < size)).all(axis=1)]
    _, first = np.unique(inside, axis=0, return_index=True)
    chosen = inside[np.sort(first)[:count]]  # whole tracks, one after another
    assert len(chosen) == count
    sorted_voxels: NDArray[np.int64] = np.unique(chosen, axis=0)
    return sorted_voxels


class Job:
    """Everything that is timed for one set of voxels."""

    def __init__(self, voxels: int, size: int) -> None:
        self.size, self.coordinates = size, tracks(voxels, size)
        self.events = np.zeros(voxels, np.int64)
        self.table = neighbour_table(self.coordinates, self.events)
        self.map = NeighbourMap(torch.from_numpy(self.table))
        torch.manual_seed(0)
        self.features = torch.randn(voxels, CHANNELS)
        self.weight = torch.randn(27, CHANNELS, CHANNELS) / 30
        self.learnt = (self.features.clone().requires_grad_(), self.weight.clone().requires_grad_())

    def works(self) -> dict[str, Callable[[], object]]:
        return {
            "table": lambda: neighbour_table(self.coordinates, self.events),
            "pairs": lambda: NeighbourMap(self.map.table).pairs,
            "forward": lambda: convolve(self.features, self.weight, self.map),
            "forward + backward": self._both,
        }

    def _both(self) -> object:
        with torch.enable_grad():
            answer = convolve(*self.learnt, self.map)
            return torch.autograd.grad(answer, self.learnt, self.features)

    def spconv(self) -> dict[str, Callable[[], object]]:
        """Empty where it cannot be imported; it gives the same answer."""
        try:
            import spconv.pytorch as spconv  # type: ignore[import-not-found,unused-ignore]
            from spconv.core import ConvAlgo  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            return {}
        layer = spconv.SubMConv3d(
            CHANNELS, CHANNELS, 3, bias=False, indice_key="one", algo=ConvAlgo.Native
        )
        turned = self.weight.reshape(3, 3, 3, CHANNELS, CHANNELS).permute(4, 0, 1, 2, 3)
        layer.weight.data = turned.contiguous()
        voxels = np.concatenate([self.events[:, None], self.coordinates], 1).astype(np.int32)
        indices = torch.from_numpy(voxels)

        def fresh() -> Any:
            tensor = spconv.SparseConvTensor(self.features, indices, [self.size] * 3, 1)
            return layer(tensor)

        kept = fresh()
        same = convolve(self.features, self.weight, self.map)
        torch.testing.assert_close(kept.features, same, rtol=1e-4, atol=1e-4)
        again = kept.replace_feature(self.features)
        return {"spconv, kept": lambda: layer(again), "spconv, new": fresh}

    def dense(self) -> float:
        """ms of one dense convolution, of which the sparse answer is a part."""
        grid = torch.zeros(1, CHANNELS, *[self.size] * 3)
        place = tuple(torch.from_numpy(self.coordinates).T)
        grid[0][(slice(None), *place)] = self.features.T
        weight = self.weight.permute(2, 1, 0).reshape(CHANNELS, CHANNELS, 3, 3, 3)
        start = time.process_time()
        answer = functional.conv3d(grid, weight, padding=1)
        spent = 1e3 * (time.process_time() - start)
        same = convolve(self.features, self.weight, self.map)
        torch.testing.assert_close(answer[0][(slice(None), *place)].T, same, rtol=1e-4, atol=1e-4)
        return spent

    def bytes(self) -> Row:
        """What stays in memory between forward and backward, without the weight."""
        lists = [one for _, *rows in self.map.pairs.steps for one in rows]
        kept: dict[int, int] = {}
        for tensor in (self.map.table, *lists):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()

        def keep(tensor: Tensor) -> Tensor:
            if tensor.data_ptr() != self.learnt[1].data_ptr():
                kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
            convolve(*self.learnt, self.map)
        voxels = len(self.coordinates)
        budget = 4 * voxels * CHANNELS + 8 * 27 * voxels
        return {"bytes": sum(kept.values()), "ratio": sum(kept.values()) / budget}


def measured(works: Mapping[str, Callable[[], object]], repeats: int) -> Row:
    """Least CPU ms of each, in turn."""
    least = dict.fromkeys(works, np.inf)
    for repeat in range(repeats + 1):
        for name, work in works.items():
            start = time.process_time()
            work()
            if repeat > 0:  # the first warms up
                least[name] = min(least[name], 1e3 * (time.process_time() - start))
    return {name: float(value) for name, value in least.items()}


def row_of(job: Job, works: Mapping[str, Callable[[], object]], repeats: int) -> Row:
    found: Row = {
        "voxels": len(job.coordinates),
        "size": job.size,
        "of 27": float((job.table >= 0).sum(1).mean()),
        **measured(works, repeats),
    }
    if "spconv, kept" in found:
        found["forward / spconv"] = found["forward"] / found["spconv, kept"]
        ours = found["table"] + found["pairs"] + found["forward"]
        found["all / spconv, new"] = ours / found["spconv, new"]
    return found


def show(title: str, rows: list[Row]) -> None:
    names = list(rows[0])
    sys.stdout.write(f"\n{title}\n\n| {' | '.join(names)} |\n|{'---|' * len(names)}\n")
    for row in rows:
        texts = (
            f"{row[name]:.4g}" if isinstance(row[name], float) else f"{row[name]}" for name in names
        )
        sys.stdout.write(f"| {' | '.join(texts)} |\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=192, help="voxels along each axis")
    parser.add_argument("--voxels", type=int, nargs="+", default=[5_000, 20_000])
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--dense", action="store_true", help="5 s and 2 GB at 192^3")
    parser.add_argument(
        "--linear", type=int, nargs="*", default=[1_000, 5_000, 20_000, 50_000, 200_000]
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=[192, 768, 4_096, 65_536])
    parser.add_argument("--json", help="also write all rows to this file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, list[Row]] = {"compared": [], "memory": [], "linear": [], "volume": []}
    with torch.no_grad():
        for voxels in given.voxels:
            job = Job(voxels, given.size)
            row = row_of(job, {**job.works(), **job.spconv()}, given.repeats)
            if given.dense:
                row["dense"] = job.dense()
                row["dense / forward"] = row["dense"] / row["forward"]
            results["compared"].append(row)
            results["memory"].append({"voxels": voxels, **job.bytes()})
        show(f"CPU ms at {given.size}^3", results["compared"])
        show("Bytes kept, and in units of 4 N C + 8 * 27 N", results["memory"])
        for name, jobs in (
            ("linear", [(voxels, 768) for voxels in given.linear]),
            ("volume", [(20_000, size) for size in given.sizes]),
        ):
            for voxels, size in jobs:
                job = Job(voxels, size)
                repeats = max(given.repeats * 20_000 // max(voxels, 20_000), 5)
                row = row_of(job, job.works(), repeats)
                row["us per voxel"] = 1e3 * (row["table"] + row["pairs"] + row["forward"]) / voxels
                results[name].append(row)
            if results[name]:
                show(f"CPU ms, {name}", results[name])
    if given.json:
        with Path(given.json).open("w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
