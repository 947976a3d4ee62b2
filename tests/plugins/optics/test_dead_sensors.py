"""What dead sensors tell must not train, judge or bias."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from zoo.api import Batch, Evaluation, Table
from zoo.evaluation import Resampler, numbers_of
from zoo_optics.baselines import Analytic, NearestLut
from zoo_optics.codec import OpticsCodec
from zoo_optics.config import AnalyticConfig, LutConfig, SirenVectorConfig
from zoo_optics.figures import OpticsFigures
from zoo_optics.learner import OpticsLearner
from zoo_optics.metrics import OpticsMetrics
from zoo_optics.models.vector import vector_networks
from zoo_optics.profiles import probe_of
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox

FIELDS = frozenset({"position", "photons", "charge", "expected", "alive"})
CONTEXT: Any = None  # this learner asks nothing of it


def box(**faults: Any) -> LarBox:
    return LarBox(LarBoxConfig.model_validate({"faults": {"dead": 0.2, **faults}}))


def samples(count: int = 30, *, told: float = 0.0) -> tuple[Table, dict[str, Any]]:
    """Flashes in a box with dead sensors, which tell some charge."""
    source = box()
    table = source.simulate(np.arange(count, dtype=np.uint64), FIELDS)
    charge = np.where(table["alive"], table["charge"], np.float32(told))
    expected = np.where(table["alive"], table["expected"], np.float32(told))
    return table.with_columns({"charge": charge, "expected": expected}), dict(source.facts)


def test_sources_with_dead_sensors_have_them_read() -> None:
    _, facts = samples(1)
    assert OpticsCodec(SirenVectorConfig(), facts, {}).targets == {"charge", "photons", "alive"}
    assert OpticsCodec(SirenVectorConfig(), {}, {}).targets == {"charge", "photons"}
    assert NearestLut(LutConfig(), facts).targets == {"charge", "alive"}
    assert Analytic(AnalyticConfig(), facts).targets == {"charge", "alive"}


@pytest.mark.parametrize("loss", ["poisson", "mse", "log-l2"])
def test_dead_sensors_train_nothing(loss: str) -> None:
    """Whatever they tell, loss and gradients are the same; the mean is over those alive."""
    found = []
    for told in (0.0, 1e6):
        table, facts = samples(told=told)
        config = SirenVectorConfig.model_validate({"loss": loss, "hidden": 8, "layers": 1})
        codec, learner = OpticsCodec(config, facts, {}), OpticsLearner(config, facts)
        encoded = codec.encode(table)
        batch = Batch(
            {name: torch.from_numpy(value) for name, value in encoded.inputs.items()},
            {name: torch.from_numpy(value) for name, value in encoded.targets.items()},
            encoded.ids,
        )
        torch.manual_seed(1)
        nets = vector_networks(config, facts)
        (term,) = learner.loss(nets, batch, CONTEXT).terms.values()
        assert term.count == 30 * 48
        term.total.backward()
        last = nets["net"].stack[-1].bias.grad  # type: ignore[index, union-attr]
        assert not last[~torch.from_numpy(facts["alive"])].any()
        assert last[torch.from_numpy(facts["alive"])].all()
        grads = [p.grad.flatten() for p in nets["net"].parameters() if p.grad is not None]
        found.append((term.total.item(), torch.cat(grads)))
    assert found[0][0] == found[1][0]
    torch.testing.assert_close(found[0][1], found[1][1], rtol=0, atol=0)


def numbers(table: Table, facts: dict[str, Any], charge: Any) -> dict[str, float]:
    metrics = OpticsMetrics(facts)
    rows = metrics.measure(table, Table({"id": table.ids, "charge": charge.astype(np.float32)}))
    return {number.name: number.value for number in metrics.summarise(rows)}


def test_dead_sensors_judge_nothing() -> None:
    """The numbers are those of a detector that does not have them at all."""
    table, facts = samples(told=1e5)
    alive = facts["alive"]
    guess = np.float32(1.1) * table["expected"]
    guess[:, ~alive] = 3e4
    found = numbers(table, facts, guess)
    geometry = dict(facts["geometry"])
    for name in ("position_cm", "direction"):
        geometry[name] = geometry[name][alive]
    sensors = box().detector.sensors
    fewer = type(sensors)(sensors.position_cm[alive], sensors.direction[alive], sensors.radius_cm)
    geometry["digest"] = fewer.digest
    part = table.with_columns({n: table[n][:, alive] for n in ("charge", "expected")})
    part = part.select(FIELDS - {"alive"})
    alone = numbers(part, {"geometry": geometry}, guess[:, alive])
    assert found.keys() == alone.keys()
    for name, value in alone.items():
        assert found[name] == pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True), name
    assert found["visibility error"] == pytest.approx(100 * 2 * 0.1 / 2.1, rel=1e-3)


def test_profiles_count_sensors_alive() -> None:
    table, facts = samples(told=1e5)
    rows = OpticsMetrics(facts).measure(table, table.select(frozenset({"charge"})))
    np.testing.assert_array_equal(rows["distance_pairs"].sum(1), 48)
    assert not facts["alive"].all()
    assert facts["alive"][probe_of(box().detector, facts["alive"])]


def test_tables_and_the_closed_form_are_not_biased() -> None:
    """Fitted with and without what dead sensors tell."""
    found = []
    for told in (0.0, 1e5):
        table, facts = samples(100, told=told)
        lut = NearestLut(LutConfig(voxels=(2, 2, 2)), facts)
        lut.fit([table])
        closed = Analytic(AnalyticConfig(), facts)
        closed.fit([table])
        assert not lut.table[:, ~facts["alive"]].any()
        assert lut.table[:, facts["alive"]].all()
        found.append((lut.table, closed.efficiency, closed.attenuation_cm))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1:] == found[1][1:]
    assert found[0][1] > 0.5  # a disc sees less than a dome, but not a fifth less for dead sensors


def test_a_voxel_in_which_a_sensor_was_dead_is_filled_by_the_nearest() -> None:
    table, facts = samples(200)
    low = table["position"][:, 0] < 100
    alive = table["alive"].copy()
    alive[:, 0] &= ~low
    lut = NearestLut(LutConfig(voxels=(2, 1, 1)), facts)
    lut.fit([table.with_columns({"alive": alive})])
    first = int(np.flatnonzero(facts["alive"])[0])
    assert first == 0
    assert lut.table[0, 0] == lut.table[1, 0] > 0
    assert lut.table[0, 1] != lut.table[1, 1]


def test_displays_leave_dead_sensors_out() -> None:
    table, facts = samples(12, told=1e5)
    metrics, guess = OpticsMetrics(facts), table.select(frozenset({"charge"}))
    rows = metrics.measure(table, guess).with_columns({"group": table.ids})
    shown = Evaluation(
        model="run",
        role="model",
        numbers=numbers_of(Resampler(metrics, resamples=5, seed=0), rows),
        rows=rows,
    )
    drawn = OpticsFigures(facts).draw({"run": shown}, table.take([0]), {"run": guess.take([0])})
    found = {drawing.name: drawing for drawing in drawn}
    sensor = found["display-1"].data["sensor"].astype(int)
    np.testing.assert_array_equal(sensor, np.flatnonzero(facts["alive"]))
    np.testing.assert_array_equal(found["display-1"].data["seen [PE]"], table["charge"][0, sensor])
    assert found["curve-1"].data["true"].max() < 1e5 / 1e6
