"""Two forked processes against one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from zoo.config.run import OptimizerConfig
from zoo.contract.codec import Batch
from zoo.contract.learning import Context, Loss
from zoo.engine.distributed import BUCKET, World, launched_world
from zoo.engine.learner import Learner
from zoo.engine.optimizers import build_optimizers
from zoo.engine.precision import Precision
from zoo.engine.step import Machine, Update
from zoo.errors import DataError, Interrupted, PluginError, UsageError

CPU = torch.device("cpu")
Ranks = Callable[..., list[int]]


class TwoHeads(Learner):
    """Counts that differ between heads, samples and ranks; no random numbers."""

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        x = batch.inputs["x"]
        y = nets["net"](x)
        chosen = x[:, 0] > 0.3
        return (
            Loss()
            .add("all", (y[:, 0] ** 2).sum(), len(x))
            .add("chosen", y[chosen, 1].exp().sum(), int(chosen.sum()), 2.0)
        )


def updated(world: World, batches: list[Batch | None]) -> tuple[dict[str, torch.Tensor], Any]:
    torch.manual_seed(5)
    nets = {"net": nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))}
    precision = Precision("fp32", "cpu")
    optimizers = build_optimizers(
        {"net": OptimizerConfig(kind="sgd", lr=1.0)}, nets, precision, totals={}, steps_per_epoch=1
    )
    machine = Machine(nets, TwoHeads(None, {}), optimizers, precision, CPU, 1, world)
    update = Update(machine, 0, 0, "net", len(batches))
    for batch in batches:
        update.add(batch or Batch({}, {}, np.empty(0, np.uint64)))
    report = update.finish()
    return dict(nets["net"].state_dict()), report


@pytest.mark.parametrize("cuts", [[7], [3, 1, 3]])
def test_two_ranks_give_the_gradient_of_one(
    tiny: ModuleType, ranks: Ranks, tmp_path: Path, cuts: list[int]
) -> None:
    """Seven samples in micro-batches of these sizes; with one sample, rank 1 has none."""
    whole = tiny.tiny_batch(1).inputs["x"]
    x = np.concatenate([whole, whole[:1] * 2])
    ends = np.cumsum(cuts)
    micro = [x[end - size : end] for end, size in zip(ends, cuts, strict=True)]

    def part(rows: Any, rank: int, size: int) -> Batch | None:
        mine = rows[rank::size]
        return Batch({"x": mine}, {}, np.arange(len(mine), dtype=np.uint64)) if len(mine) else None

    def work(world: World) -> None:
        state, report = updated(world, [part(rows, world.rank, world.size) for rows in micro])
        name = f"{world.rank}.safetensors"
        state = {**state, "loss": torch.tensor(report.loss), "norm": torch.tensor(report.step.norm)}
        safetensors.torch.save_file(state, tmp_path / name)

    assert ranks(2, work) == [0, 0]
    alone, report = updated(World(), [part(rows, 0, 1) for rows in micro])
    first, second = (safetensors.torch.load_file(tmp_path / f"{r}.safetensors") for r in (0, 1))
    for name, tensor in alone.items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], tensor, rtol=1e-5, atol=1e-6)
    assert float(first["loss"]) == pytest.approx(report.loss, rel=1e-6)
    assert float(first["norm"]) == pytest.approx(report.step.norm, rel=1e-5)


def test_sums_buckets_names_and_broadcast(ranks: Ranks, tmp_path: Path) -> None:
    def work(world: World) -> None:
        assert world.sum([1.0, world.rank]) == [2.0, 1.0]
        assert world.maximum([world.rank, -world.rank]) == [1.0, 0.0]
        # Several buckets, two types, an empty tensor.
        tensors = [
            torch.full((BUCKET // 8,), float(world.rank)),
            torch.ones(BUCKET // 8 + 1),
            torch.ones(3, dtype=torch.float64) * 2**-40,
            torch.zeros(0),
            torch.ones(2, 2),
        ]
        world.sum_tensors(tensors)
        assert [float(t.max()) for t in tensors if t.numel()] == [1.0, 2.0, 2.0**-39, 2.0]
        given = [torch.tensor([world.rank + 5]), torch.tensor([[world.rank + 0.5]])]
        world.broadcast_tensors(given)
        assert [t.item() for t in given] == [5, 0.5]
        assert world.agreed(["a", "b"], "terms") == ["a", "b"]
        names = ["a", "bß"] if world.main else []
        assert world.agreed(names, "terms", silent=not world.main) == ["a", "bß"]
        assert world.agreed([], "terms") == []
        with pytest.raises(PluginError, match="different terms"):
            world.agreed(["a"] if world.main else ["a", "b"], "terms")

    assert ranks(2, work) == [0, 0]


def test_a_training_on_two_ranks_resumes(tiny: ModuleType, ranks: Ranks, tmp_path: Path) -> None:
    """Stopped inside an accumulation: the sums of both ranks are in the checkpoint of rank 0."""

    def loop(folder: Path, world: World, **settings: Any) -> Any:
        made = tiny.tiny_loop(folder, steps=6, **settings)
        made.machine = replace(made.machine, world=world)
        made.hooks.log_file = folder / f"log-{world.rank}.jsonl"

        def batches(first: int) -> Iterator[Batch]:
            for number in count(first):
                batch = tiny.tiny_batch(number)
                mine = batch.inputs["x"][world.rank :: world.size]
                yield Batch({"x": mine}, {}, batch.ids[world.rank :: world.size])

        made.hooks.batches = batches
        return made

    def undisturbed(world: World) -> None:
        folder = tmp_path / "a"
        folder.mkdir(exist_ok=True)
        made = loop(folder, world)
        made.run()
        saved = made.networks["generator"].state_dict()
        safetensors.torch.save_file(saved, tmp_path / f"a{world.rank}.safetensors")

    def stopped(world: World) -> None:
        folder = tmp_path / "b"
        folder.mkdir(exist_ok=True)
        for _ in range(3):
            made = loop(folder, world, max_time=1e-9)
            made.resume()
            with pytest.raises(Interrupted):
                made.run()
        made = loop(folder, world)
        assert made.resume()
        made.run()
        saved = made.networks["generator"].state_dict()
        safetensors.torch.save_file(saved, tmp_path / f"b{world.rank}.safetensors")

    for work in (undisturbed, stopped):
        assert ranks(2, work) == [0, 0]
    states = {
        name: safetensors.torch.load_file(tmp_path / f"{name}.safetensors")
        for name in ("a0", "a1", "b0", "b1")
    }
    for key, tensor in states["a0"].items():
        for name in ("a1", "b0", "b1"):  # to the bit: each rank's sums are kept apart
            assert torch.equal(tensor, states[name][key])


def test_sums_in_the_order_of_shards(ranks: Ranks, tmp_path: Path) -> None:
    """Numbers whose sum depends on its order: one process has the bits of two and of four."""
    values = torch.tensor([1e8, 1.0, -1e8, 0.25])
    big = torch.arange(BUCKET // 4 + 3, dtype=torch.float32)  # two buckets

    def summed(world: World) -> list[torch.Tensor]:
        mine = [[values[shard].reshape(1), big * (shard + 1)] for shard in world.mine]
        return world.sum_in_order(mine)

    expected = ((values[0] + values[1]) + values[2]) + values[3]
    assert expected != values.double().sum()
    alone = summed(World(shards=4))
    assert alone[0] == expected
    torch.testing.assert_close(alone[1], big * 10, rtol=1e-6, atol=0)

    def work(world: World) -> None:
        for one, other in zip(summed(world), alone, strict=True):
            assert torch.equal(one, other)
        assert world.sum_shards([[values[s].item()] for s in world.mine]) == [1.25]

    assert ranks(2, work, shards=4) == [0, 0]
    assert ranks(4, work, shards=4) == [0, 0, 0, 0]


def test_shards_are_divided_evenly() -> None:
    assert [list(World(rank, 2, shards=4).mine) for rank in (0, 1)] == [[0, 1], [2, 3]]
    assert [list(World(rank, 2).mine) for rank in (0, 1)] == [[0], [1]]
    with pytest.raises(UsageError, match="4 shards cannot be divided among 3"):
        World(0, 3, shards=4)


def test_bytes_of_every_rank(ranks: Ranks, tmp_path: Path) -> None:
    def work(world: World) -> None:
        assert world.gather(b"x" * (5 * world.rank)) == [b"", b"xxxxx", b"x" * 10]

    assert ranks(3, work) == [0, 0, 0]
    assert World().gather(b"alone") == [b"alone"]


def test_what_fails_on_one_rank_fails_on_all(ranks: Ranks) -> None:
    def work(world: World) -> None:
        assert world.together(lambda: world.rank) == world.rank

        def fail(first: int) -> None:
            if world.rank >= first:
                raise DataError("is cut", where=f"{world.rank}.h5", remedy="copy it")

        for first, where in ((0, "0.h5"), (1, "1.h5, process 1 of 3")):
            with pytest.raises(DataError) as caught:
                world.together(lambda first=first: fail(first))  # type: ignore[misc]  # bound now
            assert caught.value.where == where
            assert caught.value.remedy == "copy it"

    assert ranks(3, work) == [0, 0, 0]
    assert World().together(lambda: "alone") == "alone"


def test_who_launched_us() -> None:
    assert launched_world({}) == World()
    torchrun = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}
    assert launched_world(torchrun) == World(3, 4, 1)
    srun = {"SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "8", "SLURM_LOCALID": "0"}
    assert launched_world(srun) == World(2, 8, 0)
    # Within sbatch but without srun there is one process, whatever was allocated.
    assert launched_world({"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}) == World()
    with pytest.raises(UsageError, match="RANK is 4"):
        launched_world({"RANK": "4", "WORLD_SIZE": "4"})
