"""The contract, rule by rule and model by model."""

from __future__ import annotations

from zoo.testing import conformance

test_conformance = conformance("silicon-tracks")
