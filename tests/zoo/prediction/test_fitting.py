"""What classical algorithms are fitted to, and whether they saw what they are judged on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.artifacts.canonical import digest
from zoo.artifacts.run_directory import RunDirectory
from zoo.config.run import DataConfig
from zoo.contract.predictor import Predictor
from zoo.contract.source import Block, Simulator, Source
from zoo.contract.table import Table
from zoo.data.identity import identities
from zoo.data.keys import row_ids
from zoo.data.reader import read_split
from zoo.data.simulated import SimulatedSource
from zoo.data.splits import SPLIT_SEED, choose_split, split_blocks, split_digest
from zoo.errors import DataError, UsageError
from zoo.prediction.fitting import Fitting, Judged, MissingFieldsError
from zoo.prediction.sources import open_source
from zoo.prediction.training_data import (
    Training,
    choose_training,
    judged_training,
    named_training,
)
from zoo.registry import registry

TASK = registry().task("mini-track")
DATA = DataConfig(source="tracks", events=40, test=0.25)


class Reads(Predictor):
    """Remembers the ids that it was shown."""

    needs = frozenset({"pads"})
    targets = frozenset({"position"})

    def __init__(self) -> None:
        self.ids: NDArray[np.uint64] = np.empty(0, np.uint64)

    def fit(self, training: Iterable[Table]) -> None:
        self.ids = np.concatenate([table.ids for table in training])

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        raise NotImplementedError


class Copied:
    """A source with other facts, or with other ids for the same events."""

    def __init__(
        self, source: Source, shift: int = 0, facts: Mapping[str, Any] | None = None
    ) -> None:
        self.source, self.shift = source, np.uint64(shift)
        self.facts: Mapping[str, Any] = {**source.facts, **(facts or {})}

    def blocks(self) -> Sequence[Block]:
        return self.source.blocks()

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        table = self.source.read(block, rows, fields)
        return table.with_columns({"id": table.ids + self.shift})


class ReadsNothing(Reads):
    def fit(self, training: Iterable[Table]) -> None:
        pass


def opened(config: DataConfig = DATA, name: str = "judged") -> Training:
    return judged_training(open_source("mini-track", config), config, name)


def blocks_of(data: Training, split: str) -> Sequence[Block]:
    config = data.config
    return choose_split(data.source.blocks(), split, config.validation, config.test, SPLIT_SEED)


def fit(
    training: Training, judged: Training, split: str, limit: int | None = None
) -> tuple[dict[str, Any], Reads]:
    reads = Reads()
    seen = Judged(judged, blocks_of(judged, split), limit)
    return Fitting(TASK, lambda: training, seen).fit(reads), reads


def run_of(folder: Path, config: DataConfig) -> str:
    """A run as far as its data are concerned."""
    source = open_source("mini-track", config)
    splits = split_blocks(source.blocks(), config.validation, config.test, SPLIT_SEED)
    run = RunDirectory.create(folder, identity={}, config="", schema={}, environment={})
    run.write_data(
        {
            "source": config.model_dump(mode="json"),
            "split": split_digest(splits),
            "facts": digest(source.facts),
        }
    )
    return str(folder)


@pytest.mark.parametrize("config", [DATA, DataConfig(source="untimed", events=5)])
def test_ids_and_groups_are_those_of_the_samples(config: DataConfig):
    source = open_source("mini-track", config)
    whole = Table.concat(list(read_split(source, source.blocks(), frozenset({"pads"}), 4)))
    known = Table.concat(list(identities(source, source.blocks(), 4)))
    np.testing.assert_array_equal(known.ids, whole.ids)
    np.testing.assert_array_equal(known["group"], whole["group"])


def test_ids_of_several_rows_of_a_key_are_told_in_their_order():
    class Pairs(Simulator):
        samples_per_key: ClassVar[int] = 2
        facts: ClassVar[Mapping[str, Any]] = {}

        def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
            return Table({"id": row_ids(keys, 2)})

    source = SimulatedSource(Pairs(), 0, 6, keys_per_block=3)
    for block in source.blocks():
        for rows in (slice(0, 6), slice(1, 5), slice(3, 4)):
            known = source.identities(block, rows)
            whole = source.read(block, rows, frozenset())
            np.testing.assert_array_equal(known.ids, whole.ids)
            np.testing.assert_array_equal(known["group"], whole["group"])


def test_ids_of_a_simulator_are_told_without_simulating(monkeypatch: pytest.MonkeyPatch):
    source = open_source("mini-track", DATA)
    monkeypatch.setattr(type(source), "_simulate", None)
    assert Table.concat(list(identities(source, source.blocks()))).rows == 40


def test_the_judged_data_are_fitted_on_their_training_split_and_nothing_leaks():
    judged = opened()
    told, reads = fit(judged, judged, "test")
    train = sum(block.rows for block in blocks_of(judged, "train"))
    assert told["rows"] == train == len(reads.ids)
    assert (told["origin"], told["data"], told["split"]) == ("judged", "judged", "train")
    assert told["judged"] == 0


@pytest.mark.parametrize("split", ["all", "train"])
def test_samples_that_are_judged_too_are_counted(split: str):
    judged = opened()
    told, reads = fit(judged, judged, split)
    assert told["judged"] == len(reads.ids) > 0
    # The same from another source of the same events, whose ids are compared.
    again, _ = fit(opened(name="again"), judged, split)
    assert again["judged"] == told["judged"]
    assert again["digest"] == told["digest"]


def test_a_limit_bounds_what_can_leak():
    judged = opened()
    train = {block.group for block in blocks_of(judged, "train")}
    expected = sum(block.group in train for block in judged.source.blocks()[:10])
    assert 0 < expected < 10
    assert fit(judged, judged, "all", limit=10)[0]["judged"] == expected
    assert fit(opened(), judged, "all", limit=10)[0]["judged"] == expected


def test_independent_events_do_not_leak():
    judged = opened()
    other = opened(DATA.model_copy(update={"seed": 1}))
    told, _ = fit(other, judged, "all")
    assert told["judged"] == 0


def test_other_shares_of_the_same_events_leak():
    judged = opened()
    other = opened(DATA.model_copy(update={"test": 0.0}))
    told, reads = fit(other, judged, "test")
    ids = np.concatenate([t.ids for t in identities(judged.source, blocks_of(judged, "test"))])
    assert told["judged"] == np.isin(ids, reads.ids).sum() > 0


def test_another_sample_of_a_judged_event_leaks_too():
    """Two detectors see the same keys: other ids would hide that the truth is the same."""

    judged = opened(DATA.model_copy(update={"path": "events.h5"}))
    same = Training(Copied(judged.source, 1), judged.config, "same file", "named")
    assert fit(same, judged, "all")[0]["judged"] == fit(judged, judged, "all")[0]["judged"] > 0
    elsewhere = DATA.model_copy(update={"path": "others.h5"})
    other = Training(Copied(judged.source, 1), elsewhere, "another file", "named")
    assert fit(other, judged, "all")[0]["judged"] == 0  # its groups may be numbered anew


def test_what_needs_no_fit_opens_no_data():
    def never() -> Training:
        raise AssertionError("opened")

    judged = opened()
    fitting = Fitting(TASK, never, Judged(judged, blocks_of(judged, "all")))
    assert fitting.fit(ReadsNothing()) == {}


def test_progress_is_told_to_the_last_sample():
    judged = opened()
    told: list[tuple[int, int]] = []
    seen = Judged(judged, blocks_of(judged, "test"))
    Fitting(TASK, lambda: judged, seen, lambda done, total: told.append((done, total))).fit(Reads())
    assert told[-1][0] == told[-1][1] == sum(b.rows for b in blocks_of(judged, "train"))


def test_data_without_a_field_are_refused_by_name():
    judged = opened()
    reads = Reads()
    reads.needs = frozenset({"pads", "drift_time"})
    untimed = opened(DATA.model_copy(update={"source": "untimed"}), "untimed")
    seen = Judged(judged, blocks_of(judged, "test"))
    with pytest.raises(MissingFieldsError, match="untimed: the data to fit to lack drift_time"):
        Fitting(TASK, lambda: untimed, seen).fit(reads)


def test_the_data_that_all_runs_share_are_chosen_with_their_shares(tmp_path: Path):
    trained = DATA.model_copy(update={"seed": 3, "validation": 0.3})
    runs = [run_of(tmp_path / name, trained) for name in ("one", "two")]
    chosen = choose_training(TASK, [*runs, f"{runs[0]}@5"], [], opened())
    assert (chosen.origin, chosen.name, chosen.note) == ("runs", "tracks", "")
    assert chosen.config == trained
    told, reads = fit(chosen, opened(), "all")
    source = open_source("mini-track", trained)
    train = split_blocks(source.blocks(), 0.3, 0.25, SPLIT_SEED)["train"]
    expected = np.concatenate([table.ids for table in identities(source, train)])
    np.testing.assert_array_equal(reads.ids, expected)
    assert told["judged"] == 0


def test_the_judged_data_are_not_opened_twice(tmp_path: Path):
    judged = opened()
    chosen = choose_training(TASK, [run_of(tmp_path / "run", DATA)], [], judged)
    assert chosen.source is judged.source
    assert chosen.origin == "runs"


def test_without_a_run_the_judged_data_are_chosen():
    judged = opened()
    assert choose_training(TASK, [], [{"split": "a"}, {"split": "b"}], judged) is judged


def test_networks_of_different_data_leave_the_judged_ones(tmp_path: Path):
    judged = opened()
    one = run_of(tmp_path / "one", DATA)
    other = run_of(tmp_path / "two", DATA.model_copy(update={"seed": 1}))
    noisy = run_of(tmp_path / "three", DATA.model_copy(update={"options": {"noise": 0.03}}))
    for runs, lineages in (
        ([one, other], []),
        ([one, noisy], []),  # the same events, but not the same samples
        ([one], [{"split": "of a model file"}]),
    ):
        chosen = choose_training(TASK, runs, lineages, judged)
        assert chosen.source is judged.source
        assert chosen.origin == "judged"
        assert chosen.note == "the networks were trained on different data"


@pytest.mark.parametrize("change", ["gone", "other facts", "no facts"])
def test_data_of_a_run_that_cannot_be_used_leave_the_judged_ones(tmp_path: Path, change: str):
    config = DATA.model_copy(update={"events": 41}) if change == "gone" else DATA
    run = RunDirectory.open(Path(run_of(tmp_path / "run", config)))
    record = run.read_json(run.data)
    if change == "gone":
        record["source"] |= {"source": "", "path": str(tmp_path / "gone.h5")}
    elif change == "other facts":
        record["facts"] = "of before"
    else:
        del record["facts"]
    run.write_data(record)
    chosen = choose_training(TASK, [str(run.path)], [], opened())
    assert chosen.origin == "judged"
    wanted = {
        "gone": "gone.h5",
        "other facts": "have changed since the run was trained",
        "no facts": "it lacks 'facts'",
    }
    assert chosen.note.startswith("the data of the runs cannot be used: ")
    assert wanted[change] in chosen.note
    with pytest.raises(DataError):  # named, it is an error
        named_training(TASK, str(run.path), opened())


def test_named_data_are_split_as_the_judged_ones_and_runs_as_they_were(tmp_path: Path):
    judged = opened()
    with pytest.raises(UsageError, match="zoo data simulate mini-track --data tracks"):
        named_training(TASK, "tracks", judged)
    with pytest.raises(DataError, match=r"missing\.h5"):
        named_training(TASK, str(tmp_path / "missing.h5"), judged)
    trained = DATA.model_copy(update={"seed": 7, "test": 0.4})
    chosen = named_training(TASK, run_of(tmp_path / "run", trained), judged)
    assert (chosen.origin, chosen.config) == ("named", trained)
    own = named_training(TASK, judged.source, judged)
    assert own.config == judged.config


def test_named_data_of_another_detector_are_refused():
    task = registry().task("mini-light")
    config = DataConfig(source="flashes", events=12)
    judged = judged_training(open_source("mini-light", config), config, "judged")

    moved = Copied(judged.source, facts={"geometry": {"position": np.zeros((3, 3))}})
    with pytest.raises(DataError, match=r"'geometry\.position' is not that of the judged data"):
        named_training(task, moved, judged)
