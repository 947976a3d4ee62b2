from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_plugin import Mean, PlainConfig, Scores, Toy, ToyConfig

from zoo.contract.source import Block
from zoo.contract.table import Table
from zoo.data.keys import combine, text_key
from zoo.data.linked import LinkedSource
from zoo.data.reader import BlockReader, available_fields, read_block, read_rows, read_split
from zoo.data.simulated import SimulatedSource
from zoo.errors import DataError, PluginError

X = frozenset({"x"})


class Numbers:
    """Blocks of the numbers 100 b + r; counts what is read."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.facts: dict[str, Any] = {}
        self.sizes = sizes
        self.reads: list[int] = []

    def blocks(self) -> Sequence[Block]:
        return [Block(str(i), size, f"g{i // 2}") for i, size in enumerate(self.sizes)]

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        if fields - X:
            raise DataError("no such field", where=str(sorted(fields - X)))
        self.reads.append(int(block.key))
        values = 100 * int(block.key) + np.arange(block.rows)[rows]
        return Table({"id": values.astype(np.uint64), "x": values.astype(float)})


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.data())
def test_rows_come_in_the_order_asked_for(sizes: list[int], data: st.DataObject):
    source = Numbers(sizes)
    places = [(b, r) for b, size in enumerate(sizes) for r in range(size)]
    asked = data.draw(st.lists(st.sampled_from(places), min_size=1))
    block, row = (np.asarray(part) for part in zip(*asked, strict=True))
    table = read_rows(source, source.blocks(), block, row, X)
    assert table["x"].tolist() == [100 * b + r for b, r in asked]
    assert table["group"].tolist() == [text_key(f"g{b // 2}") for b, _ in asked]


def test_blocks_are_kept_within_the_limit():
    source = Numbers([4] * 5)
    every = np.arange(5)
    zeros = np.zeros(5, int)
    roomy = BlockReader(source, source.blocks(), X)
    roomy.rows(every, zeros)
    roomy.rows(every, zeros + 1)
    assert source.reads == [0, 1, 2, 3, 4]
    source.reads.clear()
    block_bytes = 4 * 3 * 8  # id, group, x
    narrow = BlockReader(source, source.blocks(), X, cache_bytes=2 * block_bytes)
    for block in (0, 1, 0, 2, 0, 1):
        narrow.rows(np.asarray([block]), np.asarray([0]))
    assert source.reads == [0, 1, 2, 1]  # 1 was the least recently used when 2 came


def test_no_more_blocks_are_kept_than_asked_for():
    source = Numbers([4] * 5)
    window = BlockReader(source, source.blocks(), X, cache_blocks=2)
    for block in (0, 1, 0, 1, 2, 3, 2, 3, 0):
        window.rows(np.asarray([block]), np.asarray([0]))
    assert source.reads == [0, 1, 2, 3, 0]
    everything = BlockReader(source, source.blocks(), X, cache_bytes=None)
    source.reads.clear()
    for block in (0, 1, 2, 3, 4, 0, 1, 2, 3, 4):
        everything.rows(np.asarray([block]), np.asarray([0]))
    assert source.reads == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("together", [0, 10**6])
def test_large_blocks_are_not_joined(monkeypatch: pytest.MonkeyPatch, together: int):
    monkeypatch.setattr("zoo.data.reader._JOINED_BYTES", together)
    source = Numbers([4, 3, 5])
    reader = BlockReader(source, source.blocks(), X)
    for block, row in (
        ([2, 0, 2], [4, 3, 0]),
        ([0, 0, 2], [0, 3, 1]),
        ([1], [2]),
        ([0, 1], [1, 1]),
    ):
        table = reader.rows(np.asarray(block), np.asarray(row))
        assert table["x"].tolist() == [100 * b + r for b, r in zip(block, row, strict=True)]
    assert source.reads == [2, 0, 1]  # each once
    assert (reader._joined is not None) == bool(together)


def test_read_split_is_block_by_block_and_limited():
    source = Numbers([2, 3, 0, 4])
    assert [table.rows for table in read_split(source, source.blocks(), X)] == [2, 3, 4]
    assert [table.rows for table in read_split(source, source.blocks(), X, 4)] == [2, 2]
    assert list(read_split(source, source.blocks(), X, 0)) == []


def test_a_source_that_tells_its_fields_is_not_read():
    source = Numbers([3])
    source.fields = frozenset({"x", "y"})  # type: ignore[attr-defined]  # optional in the protocol
    assert available_fields(source, frozenset({"x", "z", "id"})) == {"x", "id"}
    assert source.reads == []


def test_available_fields_and_missing_ones():
    source = Numbers([2])
    assert available_fields(source, frozenset({"x", "y"})) == X
    assert available_fields(Numbers([0]), X) == frozenset()
    simulated = SimulatedSource(Toy(ToyConfig()), 0, 2)
    assert available_fields(simulated, frozenset({"label", "extra"})) == {"label"}
    with pytest.raises(DataError, match="SimulatedSource: extra"):
        read_block(simulated, simulated.blocks()[0], frozenset({"extra"}))


def test_a_source_that_breaks_is_told_as_data_and_one_that_miscounts_as_plugin():
    class Broken(Numbers):
        def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
            raise OSError("disk on fire")

    class Short(Numbers):
        def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
            return super().read(block, slice(0, 1), fields)

    with pytest.raises(DataError, match=r"Broken: 0: cannot be read \(disk on fire\)"):
        read_block(Broken([3]), Broken([3]).blocks()[0], X)
    with pytest.raises(PluginError, match="returned 1 rows where 3 were asked"):
        read_block(Short([3]), Short([3]).blocks()[0], X)


class TestSimulated:
    fields = frozenset({"image", "hits", "label"})

    def source(self, keys_per_block: int = 1, seed: int = 4) -> SimulatedSource:
        return SimulatedSource(Toy(ToyConfig()), seed, 7, keys_per_block)

    @pytest.mark.parametrize("keys_per_block", [1, 3, 10])
    def test_blocks_hold_whole_events_and_the_same_rows(self, keys_per_block: int):
        one, other = self.source(), self.source(keys_per_block)
        whole = [Table.concat(list(read_split(s, s.blocks(), self.fields))) for s in (one, other)]
        assert sum(block.rows for block in other.blocks()) == 14
        np.testing.assert_array_equal(whole[0].ids, whole[1].ids)
        np.testing.assert_array_equal(whole[0]["image"], whole[1]["image"])
        np.testing.assert_array_equal(whole[0]["group"], whole[1]["group"])
        assert len(np.unique(whole[0]["group"])) == 7

    def test_single_rows_simulate_only_their_keys(self, monkeypatch: pytest.MonkeyPatch):
        source = self.source(3)
        rows = Table.concat(list(read_split(source, source.blocks(), self.fields)))
        asked: list[int] = []
        simulate = Toy.simulate

        def counting(self: Toy, keys: Any, fields: frozenset[str]) -> Table:
            asked.append(len(keys))
            return simulate(self, keys, fields)

        monkeypatch.setattr(Toy, "simulate", counting)
        block, row = np.asarray([2, 0, 0, 1]), np.asarray([1, 5, 4, 0])
        table = BlockReader(source, source.blocks(), self.fields).rows(block, row)
        np.testing.assert_array_equal(table.ids, rows.ids[[13, 5, 4, 6]])
        np.testing.assert_array_equal(table["image"], rows["image"][[13, 5, 4, 6]])
        assert asked == [3]

    def test_seeds_give_other_events(self):
        one, other = self.source(seed=1), self.source(seed=2)
        assert not set(one.keys.tolist()) & set(other.keys.tolist())

    def test_wrong_ids_or_rows_are_the_plugins_fault(self):
        class OwnIds(Toy):
            def simulate(self, keys: Any, fields: frozenset[str]) -> Table:
                table = super().simulate(keys, fields)
                return table.with_columns({"id": np.arange(table.rows, dtype=np.uint64)})

        class TooFew(Toy):
            samples_per_key = 3

            def simulate(self, keys: Any, fields: frozenset[str]) -> Table:
                return Toy(self.config).simulate(keys, fields)

        for simulator, message in ((OwnIds, "ids are not those"), (TooFew, "made 2 rows for 1")):
            source = SimulatedSource(simulator(ToyConfig()), 0, 1)
            with pytest.raises(PluginError, match=message):
                read_block(source, source.blocks()[0], frozenset())


class TestLinked:
    def test_link_joins_samples_and_predictions(self):
        upstream = SimulatedSource(Toy(ToyConfig()), 0, 5)
        config = PlainConfig()
        source = LinkedSource(upstream, Scores(config), Mean(config, {}))
        assert source.blocks() == upstream.blocks()
        assert set(source.facts["upstream"]) == {"geometry", "noise"}
        block = upstream.blocks()[2]
        samples = read_block(upstream, block, frozenset({"image", "label"}))
        linked = read_block(source, block, frozenset({"score"}))
        expected = samples["label"] + samples["image"].mean(axis=(1, 2), dtype=float)
        np.testing.assert_array_equal(linked["score"], expected)
        np.testing.assert_array_equal(linked["group"], samples["group"])

    def test_a_link_reads_what_it_may_where_that_is_there(self):
        class Curious(Scores):
            optional = frozenset({"image", "nowhere"})

            def link(self, samples: Table, predictions: Table) -> Table:
                seen = {"image": samples["image"]} if "image" in samples else {}
                return super().link(samples, predictions).with_columns(seen)

        class Blind(Mean):
            needs = frozenset({"label"})

            def predict(self, samples: Table, keys: Any = None) -> Table:
                return Table({"id": samples.ids, "mean": np.zeros(samples.rows)})

        upstream, config = SimulatedSource(Toy(ToyConfig()), 0, 5), PlainConfig()
        block = upstream.blocks()[0]
        for link, there in ((Curious(config), True), (Scores(config), False)):
            source = LinkedSource(upstream, link, Blind(config, {}))
            table = source.read(block, slice(None), frozenset({"score"}))
            assert ("image" in table) is there

    def test_rows_that_get_lost_are_refused(self):
        class Lossy(Scores):
            def link(self, samples: Table, predictions: Table) -> Table:
                return super().link(samples, predictions).take(slice(1, None))

        upstream = SimulatedSource(Toy(ToyConfig()), 0, 5)
        source = LinkedSource(upstream, Lossy(PlainConfig()), Mean(PlainConfig(), {}))
        with pytest.raises(PluginError, match="Lossy: it made 1 rows for 2 samples"):
            read_block(source, source.blocks()[0], frozenset({"score"}))


def test_combine_is_not_the_namespace_of_simulated_keys():
    source = SimulatedSource(Toy(ToyConfig()), 3, 4)
    assert source.keys.tolist() != combine(3, np.arange(4)).tolist()
