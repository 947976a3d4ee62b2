"""Track building, its judgement, and the classical algorithm."""

from __future__ import annotations

import numpy as np
from zoo_silicon_tracks.baselines import CellularAutomaton, TruePairs
from zoo_silicon_tracks.config import AutomatonConfig, HelicesConfig, TruePairsConfig
from zoo_silicon_tracks.metrics import TrackMetrics, matches
from zoo_silicon_tracks.sources import Helices

from zoo.api import Ragged, Table

FIELDS = frozenset({"position", "layer", "particle", "momentum"})


def ints(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(values, np.int32)


def efficiency(samples: Table, predictions: Table) -> tuple[float, float]:
    metrics = TrackMetrics({})
    numbers = {n.name: n.value for n in metrics.summarise(metrics.measure(samples, predictions))}
    return numbers["efficiency"], numbers["fake rate"]


def test_double_majority() -> None:
    #          two thirds of 0 | half of 1: no | a third of its hits: no | noise
    particle = ints(0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, -1, -1)
    track = ints(0, 0, -1, 1, 1, 1, -1, -1, -1, 2, 3, 3, 2, 2)
    # track 2 has one hit of particle 2 among three; track 3 has two of its three hits
    assert matches(track, particle).tolist() == [0, -1, -1, 2]
    assert matches(ints(-1, -1), ints(0, 0)).tolist() == []


def test_numbers_of_an_event_by_hand() -> None:
    particle = ints(*([0] * 5 + [1] * 6 + [2] * 4 + [-1] * 3))
    track = ints(*([0] * 5 + [-1] * 6 + [1] * 4 + [2] * 3))
    momentum = np.array([0.6, 1.5, 3.0], np.float32)
    samples = Table(
        {
            "id": np.arange(1, dtype=np.uint64),
            "particle": Ragged.of([particle]),
            "momentum": Ragged.of([momentum]),
        }
    )
    predicted = Table({"id": samples.ids, "track": Ragged.of([track])})
    row = TrackMetrics({}).measure(samples, predicted)
    # particle 2 has too few hits to count, yet its track is no fake; the third is
    expected = {"particles": 2, "found": 1, "tracks": 3, "fakes": 1, "found_0": 1, "found_2": 0}
    assert {name: row[name][0] for name in expected} == expected


def test_the_automaton_finds_nearly_all_in_empty_events_and_loses_some_in_jets() -> None:
    keys = np.arange(30, dtype=np.uint64)
    sparse = Helices(HelicesConfig(fewest=10, most=20, in_jets=0.0)).simulate(keys, FIELDS)
    dense = Helices(HelicesConfig()).simulate(keys, FIELDS)
    rates = []
    for samples in (sparse, dense):
        automaton = CellularAutomaton(AutomatonConfig(), {})
        automaton.fit([samples])
        found, fakes = efficiency(samples, automaton.predict(samples))
        assert fakes < 2
        rates.append(found)
    assert rates[0] > 98
    assert 85 < rates[1] < 96


def test_the_oracle_loses_only_what_the_pairs_lose() -> None:
    samples = Helices(HelicesConfig()).simulate(np.arange(20, dtype=np.uint64), FIELDS)
    found, fakes = efficiency(samples, TruePairs(TruePairsConfig(), {}).predict(samples))
    assert found > 99
    assert fakes == 0
