"""R07: a model file is the whole model."""

from __future__ import annotations

import torch

from zoo.files import file_digest
from zoo.prediction.network import load_network
from zoo.testing.rule import Violation
from zoo.testing.rules.predictions import differing_columns
from zoo.testing.subjects import ModelSubject

__all__ = ["save_and_load"]


def save_and_load(subject: ModelSubject) -> str:
    """Write the networks that are in memory, load them, and compare predictions and files."""
    practice = subject.practice
    whole = practice.whole
    first, second = (subject.folder / f"{name}.safetensors" for name in ("first", "second"))
    for path in (first, second):
        whole.records.write_model(
            path,
            whole.networks,
            whole.learner,
            whole.codec.constants,
            step=practice.steps,
            numbers={},
        )
    if file_digest(first) != file_digest(second):
        raise Violation("saved twice, the file is another one")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(54321)  # what is drawn anew when the networks are built is seen
        loaded = load_network(first, model=subject.name)
    held = practice.predictor()
    samples = subject.samples(held.needs, 4)
    if differ := list(differing_columns(held.predict(samples), loaded.predict(samples))):
        raise Violation(f"after loading, predictions differ in {', '.join(differ)}")
    return f"{samples.rows} samples, the same bits; {first.stat().st_size:,} bytes"
