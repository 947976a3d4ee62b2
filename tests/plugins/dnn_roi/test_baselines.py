"""Rows without a network: each takes its mask from the sample, and charge as all models do."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.api import Table
from zoo_dnn_roi.baselines import BaselineConfig, Coincidence, Traditional
from zoo_dnn_roi.physics.masking import apply_mask
from zoo_dnn_roi.plugin import zoo_tasks
from zoo_dnn_roi.specs import PREDICTION, SAMPLE


@pytest.mark.parametrize(("field", "kind"), [("mp3", Coincidence), ("traditional", Traditional)])
def test_the_mask_is_the_field_of_the_sample(
    field: str, kind: type[Coincidence | Traditional]
) -> None:
    generator = np.random.default_rng(2)
    masks = generator.random((2, 2, 5, 60)) < 0.5
    decon = generator.normal(100, 50, (2, 5, 60)).astype(np.float32)
    samples = Table(
        {
            "id": np.arange(2, dtype=np.uint64),
            "decon_charge": decon,
            "mp3": masks[0].astype(np.uint8),
            "traditional": masks[1].astype(np.uint8),
        }
    )
    found = kind(BaselineConfig(), {}).predict(samples.select(kind.needs))
    np.testing.assert_array_equal(found["mask"], samples[field])
    for row in range(2):
        expected = apply_mask(decon[row], samples[field][row] > 0, baseline=True)
        np.testing.assert_array_equal(found["charge"][row], expected)
    assert set(found) - {"id"} <= set(PREDICTION)


def test_every_row_without_a_network_says_what_it_reads() -> None:
    models = zoo_tasks()[0].models
    known = {name for name, model in models.items() if model.baseline or model.oracle}
    assert known == {"traditional", "mp3", "oracle-mask"}
    for name in known:
        assert models[name].needs <= set(SAMPLE)
    assert models["mp3"].needs == Coincidence.needs
