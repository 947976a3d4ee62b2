"""Ranks that do not do the same thing are found in the first steps, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from zoo.config.run import OptimizerConfig
from zoo.contract.codec import Batch
from zoo.contract.learning import Context, Loss
from zoo.engine.audit import Audit
from zoo.engine.batchnorm import synchronised
from zoo.engine.distributed import World
from zoo.engine.learner import Learner
from zoo.engine.optimizers import PhaseOptimizer
from zoo.errors import ConfigError, PluginError

Ranks = Callable[..., list[int]]


@pytest.fixture
def made(tiny: ModuleType, tmp_path: Path) -> Callable[..., Any]:
    """The tiny training on the samples of one rank."""

    def make(world: World, *, audit: bool = True) -> Any:
        loop = tiny.tiny_loop(tmp_path / "run", steps=4)
        loop.machine = replace(loop.machine, world=world)
        loop.hooks.log_file = tmp_path / f"log-{world.rank}-{audit}.jsonl"
        loop._audit = Audit(loop.machine, loop.networks, loop.updates, loop.hooks, active=audit)

        def part(number: int, shard: int, shards: int, rows: int | None = None) -> Batch:
            whole, mine = tiny.tiny_batch(number), slice(shard, rows, shards)
            return Batch({"x": whole.inputs["x"][mine]}, {}, whole.ids[mine])

        shards = world.size * world.parts

        def batches(first: int) -> Iterator[Batch]:
            for number in count(first):
                for shard in world.mine:
                    yield part(number, shard, shards)

        def first_micro_batches(
            first: int, number: int, *, world: World, rows: int | None
        ) -> list[list[Batch]]:
            cuts = world.size * world.parts
            return [
                [part(n, s, cuts, rows) for s in world.mine] for n in range(first, first + number)
            ]

        loop.hooks.batches = batches
        loop.hooks.first_micro_batches = first_micro_batches
        return loop

    return make


def test_a_sound_training_passes(made: Callable[..., Any], ranks: Ranks) -> None:
    def work(world: World) -> None:
        loop = made(world)
        with synchronised(loop.networks, world):
            loop.run()
        assert loop.hooks.messages == []

    assert ranks(2, work) == [0, 0]


def test_a_reproducible_one_is_compared_to_the_bit(made: Callable[..., Any], ranks: Ranks) -> None:
    def work(world: World) -> None:
        loop = made(world)
        loop.run()
        assert loop.hooks.messages == []

    assert ranks(2, work, shards=2) == [0, 0]


def test_a_skipped_sum_of_the_gradients_is_found(
    made: Callable[..., Any], ranks: Ranks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "sum_tensors", lambda *_: None)

    def work(world: World) -> None:
        loop = made(world)
        with pytest.raises(PluginError, match=r"the gradient of '\w+/[\w.]+' on 2 processes"):
            loop.run()
        assert loop.step == 0

    assert ranks(2, work) == [0, 0]


def test_a_sum_of_one_shard_too_few_is_found(
    made: Callable[..., Any], ranks: Ranks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All ranks agree, and are wrong: only the recomputation can tell."""
    right = World.sum_tensors

    def wrong(self: World, tensors: Any) -> None:
        if self.rank == 1:
            for tensor in tensors:
                tensor.zero_()
        right(self, tensors)

    monkeypatch.setattr(World, "sum_tensors", wrong)

    def work(world: World) -> None:
        loop = made(world)
        with (
            synchronised(loop.networks, world),
            pytest.raises(PluginError, match="not that of one"),
        ):
            loop.run()

    assert ranks(2, work) == [0, 0]


@pytest.mark.parametrize("what", ["gradient", "parameter"])
def test_ranks_that_drift_apart_are_found(
    made: Callable[..., Any], ranks: Ranks, what: str
) -> None:
    def work(world: World) -> None:
        loop = made(world)
        audit = loop._audit
        audit._compare_with_one_process = lambda _: None  # it would stop the training before
        nudged = loop.networks["generator"]
        if world.rank == 1 and what == "gradient":
            inner = audit._require_equal  # one of two ranks reports another gradient

            def scaled(kind: str, tensors: Any) -> None:
                inner(kind, {n: None if t is None else t * 2 for n, t in tensors.items()})

            audit._require_equal = scaled
        elif world.rank == 1:
            with torch.no_grad():
                next(iter(nudged.parameters())).view(-1)[0] += 1e-7
        with pytest.raises(PluginError, match=f"the {what} '.*' is not the same on all 2"):
            loop.run()

    assert ranks(2, work) == [0, 0]


def test_normalising_by_rank_is_not_what_one_process_does(
    made: Callable[..., Any], ranks: Ranks
) -> None:
    def work(world: World) -> None:
        with pytest.raises(PluginError, match="is not that of one"):
            made(world).run()  # its generator has a BatchNorm1d

    assert ranks(2, work) == [0, 0]


def test_the_audit_changes_nothing(
    made: Callable[..., Any], ranks: Ranks, tiny: ModuleType
) -> None:
    def work(world: World) -> None:
        prints = []
        for audits in (True, False):
            loop = made(world, audit=audits)
            with synchronised(loop.networks, world):
                loop.run()
            prints.append(tiny.fingerprint(loop))
        assert prints[0] == prints[1]

    assert ranks(2, work) == [0, 0]


class Nearly(nn.Module):
    """What a wrong compiler makes of a network."""

    def __init__(self, network: nn.Module, factor: float) -> None:
        super().__init__()
        self.network, self.factor = network, factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x) * self.factor


@pytest.mark.parametrize(("factor", "wrong"), [(1.001, True), (1.0, False)])
def test_a_wrong_compiler_is_found(made: Callable[..., Any], factor: float, wrong: bool) -> None:
    loop = made(World())
    nets = {name: Nearly(net, factor) for name, net in loop.networks.items()}
    loop._audit.machine = loop.machine = replace(loop.machine, nets=nets)
    if not wrong:
        loop.run()
        return
    with pytest.raises(PluginError, match=r"'generator/[\w.]+' of the compiled networks is not"):
        loop.run()
    assert loop.step == 0


class Edge(nn.Module):
    """A linear map, and units whose ReLU is just at zero: the last bit decides their gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.edge = nn.Linear(3, 1), nn.Linear(3, 100, bias=False)
        self.register_buffer("start", self.edge(torch.ones(1, 3)).detach())

    def forward(self, x: torch.Tensor, shift: float = 0.0) -> torch.Tensor:
        units = (self.edge(torch.ones(len(x), 3)) - self.start + shift).relu()
        return self.plain(x) + 0.002 * units.sum(1, keepdim=True)


class Shifted(nn.Module):
    """The same in another order of sums."""

    def __init__(self, edge: Edge) -> None:
        super().__init__()
        self.edge = edge

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.edge(x, 1e-7)


def test_what_the_last_bit_decides_is_no_fault(made: Callable[..., Any]) -> None:
    loop = made(World())
    edge = Edge()
    mine, other = (
        torch.autograd.grad(net(torch.ones(4, 3)).sum(), [edge.edge.weight, edge.plain.weight])
        for net in (Shifted(edge), edge)
    )
    assert (mine[0] - other[0]).abs().max() > 1e-3 * other[1].abs().max()
    loop.networks["critic"], loop.ema = edge, None
    nets = {**loop.networks, "critic": Shifted(edge)}
    machine = replace(loop.machine, learner=Separate(None, {}), nets=nets)
    optimizers = {
        "critic": PhaseOptimizer(
            "critic", OptimizerConfig(), {"critic": edge}, machine.precision, total=4, per_epoch=4
        )
    }
    loop._audit.machine = loop.machine = replace(machine, optimizers=optimizers)
    loop.run()
    assert loop.finished


class Coupled(Learner):
    """Compares every sample with the mean of those beside it."""

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        made = nets["critic"](batch.inputs["x"])
        return Loss().add("spread", ((made - made.mean()) ** 2).sum(), len(made))

    def phase(self, step: int) -> str:
        return "critic"


class Separate(Coupled):
    """Compares every sample with zero."""

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        made = nets["critic"](batch.inputs["x"])
        return Loss().add("spread", (made**2).sum(), len(made))


@pytest.mark.parametrize(("learner", "coupled"), [(Coupled, True), (Separate, False)])
def test_a_loss_that_couples_samples_is_not_cut(
    made: Callable[..., Any], learner: type[Learner], coupled: bool
) -> None:
    loop = made(World(pieces=2))
    loop.networks["generator"].pop(1)  # the batch normalisation
    loop._audit.machine = loop.machine = replace(loop.machine, learner=learner(None, {}))
    if not coupled:
        loop.run()
        return
    with pytest.raises(PluginError, match=r"in pieces .* is not that of the whole") as found:
        loop.run()
    assert "couples samples" in found.value.remedy


def test_neither_is_it_divided_among_processes(made: Callable[..., Any], ranks: Ranks) -> None:
    def work(world: World) -> None:
        loop = made(world)
        loop.networks["generator"].pop(1)
        loop._audit.machine = loop.machine = replace(loop.machine, learner=Coupled(None, {}))
        with pytest.raises(PluginError, match="on 2 processes is not that of one") as found:
            loop.run()
        assert "couples samples" in found.value.remedy

    assert ranks(2, work) == [0, 0]


def test_normalised_batches_are_not_cut(made: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match="running statistics"):
        made(World(pieces=2)).run()  # its generator has a BatchNorm1d
