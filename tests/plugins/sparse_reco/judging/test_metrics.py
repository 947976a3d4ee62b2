"""Numbers of events whose answers are known by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_sparse_reco.metrics import EventMetrics

Make = Callable[[Mapping[str, Any]], Table]

NOWHERE = {"point_x": [[]], "point_y": [[]], "point_z": [[]], "point_semantic": [[]]}


def numbers(metrics: EventMetrics, samples: Table, predictions: Table) -> dict[str, float]:
    found = metrics.summarise(metrics.measure(samples, predictions))
    assert len({one.name for one in found}) == len(found)
    return {one.name: one.value for one in found}


def test_classes_by_hand(facts: dict[str, Any], samples_of: Make, predictions_of: Make) -> None:
    """Four of track and two of shower; one of track is lost to shower, one of shower to track."""
    samples = samples_of(
        {"deposit": [[1, 1, 1, 5, 2, 2]], "semantic": [[1, 1, 1, 1, 0, 0]]},
    )
    predictions = predictions_of({"semantic": [[1, 1, 1, 0, 0, 1]]})
    found = numbers(EventMetrics(facts), samples, predictions)
    assert found["track accuracy"] == found["track precision"] == found["track F1"] == 75
    assert found["shower accuracy"] == found["shower precision"] == 50
    assert found["macro F1"] == found["mean accuracy"] == 62.5
    assert found["accuracy"] == pytest.approx(400 / 6)
    assert found["track IoU"] == 60  # 3 of 3 + 1 + 1
    assert found["shower IoU"] == pytest.approx(100 / 3)
    assert found["mIoU"] == pytest.approx((60 + 100 / 3) / 2)
    # Energy: track 3 of 8 right and 2 wrong ones, shower 2 of 4 right and 5 wrong ones.
    assert found["track accuracy by energy"] == 37.5
    assert found["track F1 by energy"] == pytest.approx(100 * 6 / 13)
    assert found["shower F1 by energy"] == pytest.approx(100 * 4 / 11)
    assert found["accuracy by energy"] == pytest.approx(100 * 5 / 12)
    assert found["track called shower"] == 25
    assert found["shower called track"] == 50
    assert found["shower called michel"] == 0
    for name in ("michel F1", "michel accuracy", "delta called track", "ghost efficiency"):
        assert math.isnan(found[name])


def test_a_class_that_is_only_predicted_takes_no_part(
    facts: dict[str, Any], samples_of: Make, predictions_of: Make
) -> None:
    samples = samples_of({"deposit": [[1, 1]], "semantic": [[1, 1]]})
    found = numbers(EventMetrics(facts), samples, predictions_of({"semantic": [[1, 2]]}))
    assert found["michel precision"] == 0
    assert math.isnan(found["michel F1"])
    assert found["macro F1"] == pytest.approx(200 / 3)


def test_unknown_voxels_are_not_judged(
    facts: dict[str, Any], samples_of: Make, predictions_of: Make
) -> None:
    samples = samples_of({"deposit": [[1, 1, 9]], "semantic": [[1, 1, -1]]})
    found = numbers(EventMetrics(facts), samples, predictions_of({"semantic": [[1, 1, 0]]}))
    assert found["macro F1"] == found["accuracy by energy"] == 100
    assert math.isnan(found["shower precision"])


def test_ghosts_by_hand(facts: dict[str, Any], samples_of: Make, predictions_of: Make) -> None:
    """Five ghosts, four of them found; of four true voxels one is lost and one misnamed."""
    samples = samples_of({"deposit": [[1] * 9], "semantic": [[5] * 5 + [1, 1, 1, 0]]})
    predictions = predictions_of({"semantic": [[5, 5, 5, 5, 1, 1, 5, 1, 1]]})
    metrics = EventMetrics(facts)
    found = numbers(metrics, samples, predictions)
    assert found["ghost efficiency"] == 80
    assert found["ghost purity"] == 80
    assert found["kept signal"] == 75
    assert found["purity of what is kept"] == 75
    assert found["track accuracy"] == pytest.approx(200 / 3)
    assert found["track precision"] == 50  # 2 of the four called track: a ghost and a shower
    assert found["track F1 after deghosting"] == pytest.approx(80)  # 2 right, 1 shower too many
    assert found["shower F1 after deghosting"] == 0
    assert found["macro F1 after deghosting"] == pytest.approx(40)
    rows = metrics.measure(samples, predictions)
    assert rows["ghosts"][0] == pytest.approx(5 / 9)
    assert rows["voxels"][0] == rows["visible_energy"][0] == 4


def test_points_by_hand(facts: dict[str, Any], samples_of: Make, predictions_of: Make) -> None:
    """True points at 0, 20 and 40; predicted at 1 (as track), 20.5 (as shower), and none near."""
    samples = samples_of(
        {
            "deposit": [[1]],
            "semantic": [[1]],
            "point_x": [[0, 20, 40]],
            "point_y": [[0, 0, 0]],
            "point_z": [[0, 0, 0]],
            "point_semantic": [[1, 1, 0]],
            "point_end": [[0, 1, 0]],
        }
    )
    predictions = predictions_of(
        {
            "semantic": [[1]],
            "point_x": [[1, 20.5]],
            "point_y": [[0, 0]],
            "point_z": [[0, 0]],
            "point_semantic": [[1, 0]],
            "point_end": [[0.1, 0.2]],
        }
    )
    found = numbers(EventMetrics(facts), samples, predictions)
    assert found["true points within 3"] == pytest.approx(200 / 3)
    assert found["predicted points within 3"] == 100
    assert found["true points, median"] == 1
    assert found["predicted points, median"] == found["predicted points, median within 3"] == 0.75
    assert found["true points within 10"] == pytest.approx(200 / 3)  # 19.5 is too far
    assert found["ends told from starts"] == 50
    assert found["true track points within 3"] == 50
    assert found["true shower points within 10"] == 0  # the shower's is 19.5 away
    assert found["predicted shower points within 3"] == 0
    assert found["predicted track points, median"] == 1
    assert math.isnan(found["true michel points within 3"])


def test_no_points_are_not_the_same_as_no_answer(
    facts: dict[str, Any], samples_of: Make, predictions_of: Make
) -> None:
    point = {"point_x": [[4]], "point_y": [[4]], "point_z": [[4]], "point_semantic": [[1]]}
    truth = {"deposit": [[1]], "semantic": [[1]]}
    some, none = samples_of(truth | point), samples_of(truth | NOWHERE)
    metrics = EventMetrics(facts)
    silent = numbers(metrics, some, predictions_of({"semantic": [[1]]}))
    assert math.isnan(silent["true points within 3"])
    nothing = numbers(metrics, some, predictions_of({"semantic": [[1]]} | NOWHERE))
    assert nothing["true points within 10"] == 0
    assert math.isnan(nothing["predicted points within 10"])
    assert math.isnan(nothing["true points, median"])  # more than half are nowhere
    wrong = numbers(metrics, none, predictions_of({"semantic": [[1]]} | point))
    assert wrong["predicted points within 10"] == 0
    assert math.isnan(wrong["true points within 10"])


def test_fragments_by_hand(facts: dict[str, Any], samples_of: Make, predictions_of: Make) -> None:
    """Tracks of 8 and 2, the large one cut in half; a Michel of which a voxel is in no fragment."""
    samples = samples_of(
        {
            "deposit": [[1] * 14],
            "semantic": [[1] * 10 + [2] * 3 + [4]],
            "fragment": [[0] * 8 + [1] * 2 + [2] * 3 + [3]],
        }
    )
    predictions = predictions_of(
        {
            "semantic": [[1] * 10 + [2, 2, 1] + [4]],
            "fragment": [[0] * 4 + [1] * 4 + [2] * 2 + [3, 3, -1] + [4]],
        }
    )
    found = numbers(EventMetrics(facts), samples, predictions)
    assert found["track fragment efficiency"] == 75
    assert found["track fragment purity"] == 100
    expected = 29 * 13 / 45
    ari = (13 - expected) / (21 - expected)
    assert found["track fragment ARI"] == pytest.approx(100 * ari)
    assert found["michel fragment efficiency"] == pytest.approx(200 / 3)
    assert found["fragment purity"] == 100
    assert found["fragment efficiency"] == pytest.approx(100 * (0.5 + 1 + 2 / 3) / 3)
    assert found["pooled efficiency"] == pytest.approx(100 * 8 / 13)
    assert found["pooled purity"] == 100
    assert found["Michel electrons found"] == found["Michel electrons right"] == 100
    assert math.isnan(found["shower fragment ARI"])
    assert not any("low-energy fragment" in name for name in found)


def test_names_follow_the_scheme(
    hip_mip_facts: dict[str, Any], samples_of: Make, predictions_of: Make
) -> None:
    samples = samples_of({"deposit": [[1]], "semantic": [[0]]})
    found = numbers(EventMetrics(hip_mip_facts), samples, predictions_of({"semantic": [[0]]}))
    assert found["hip F1"] == 100
    assert "mip F1" in found
    assert "low-energy F1" not in found


def test_rows_may_be_repeated_and_have_one_order(facts: dict[str, Any]) -> None:
    metrics, (samples, predictions) = EventMetrics(facts), random_events(3)
    rows = metrics.measure(samples, predictions)
    once, twice = metrics.summarise(rows), metrics.summarise(rows.take([0, 1, 2, 0, 1, 2]))
    assert [one.name for one in once] == [one.name for one in twice]
    assert once[0].name == metrics.primary
    # Shares and medians of everything twice are the same.
    assert [one.value for one in once] == pytest.approx([two.value for two in twice], nan_ok=True)
    one_by_one = Table.concat(
        [metrics.measure(samples.take([n]), predictions.take([n])) for n in range(3)]
    )
    assert [one.value for one in metrics.summarise(one_by_one)] == pytest.approx(
        [one.value for one in once], nan_ok=True
    )
    assert set(metrics.bins) <= set(rows)


def test_no_rows_at_all(facts: dict[str, Any]) -> None:
    metrics, (samples, predictions) = EventMetrics(facts), random_events(1)
    rows = metrics.measure(samples, predictions).take([])
    assert all(math.isnan(one.value) for one in metrics.summarise(rows))


def test_data_without_truth(facts: dict[str, Any]) -> None:
    metrics, (samples, predictions) = EventMetrics(facts), random_events(2)
    rows = metrics.measure(samples.select(["deposit"]), predictions)
    assert all(math.isnan(one.value) for one in metrics.summarise(rows))


def test_true_labels_are_perfect(facts: dict[str, Any]) -> None:
    samples, _ = random_events(3)
    semantic = samples["semantic"]
    known = Ragged(np.maximum(semantic.values, 0), semantic.offsets)
    found = numbers(EventMetrics(facts), samples, samples.with_columns({"semantic": known}))
    for name in ("macro F1", "mIoU", "ghost purity", "true points within 3", "fragment AMI"):
        assert found[name] == pytest.approx(100)
    assert found["true points, median"] == 0


@pytest.mark.parametrize(
    ("semantic", "told"),
    [([1, 1], "2 voxels are predicted for 3"), ([1, 6, 0], "classes are 0 to 6")],
)
def test_bad_predictions(
    facts: dict[str, Any], samples_of: Make, predictions_of: Make, semantic: list[int], told: str
) -> None:
    samples = samples_of({"deposit": [[1, 1, 1]], "semantic": [[1, 1, 1]]})
    with pytest.raises(DataError, match=told):
        EventMetrics(facts).measure(samples, predictions_of({"semantic": [semantic]}))


def test_data_without_a_grid() -> None:
    with pytest.raises(DataError, match="what grid of voxels"):
        EventMetrics({})


def random_events(count: int, voxels: int = 200, points: int = 8) -> tuple[Table, Table]:
    """Events of noise, with all that is judged, and predictions that are half of them right."""
    random = np.random.default_rng(5)
    many = voxels * count

    def ragged(values: Any, dtype: str, length: int) -> Ragged:
        return Ragged(np.asarray(values).astype(dtype), length * np.arange(count + 1))

    def guessed(values: Any) -> Any:
        return np.where(random.random(len(values)) < 0.5, values, random.permutation(values))

    semantic, fragment = random.integers(-1, 6, many), random.integers(-1, 30, many)
    place = random.uniform(0, 60, (3, points * count))
    truth: dict[str, Any] = {
        "deposit": ragged(random.exponential(1, many), "float32", voxels),
        "semantic": ragged(semantic, "int8", voxels),
        "fragment": ragged(fragment, "int32", voxels),
        "particle": ragged(fragment, "int32", voxels),
        "point_semantic": ragged(random.integers(0, 5, points * count), "int8", points),
        "point_end": ragged(random.integers(0, 2, points * count), "int8", points),
    }
    found = {
        "semantic": ragged(np.maximum(guessed(semantic), 0), "int8", voxels),
        "fragment": ragged(guessed(fragment), "int32", voxels),
        "point_semantic": truth["point_semantic"],
        "point_end": ragged(random.random(points * count), "float32", points),
    }
    for axis, values in zip("xyz", place, strict=True):
        truth[f"point_{axis}"] = ragged(values, "float32", points)
        near = values + random.normal(0, 2, len(values))
        found[f"point_{axis}"] = ragged(near, "float32", points)
    ids = np.arange(count, dtype=np.uint64)
    return Table({"id": ids, **truth}), Table({"id": ids, **found})
