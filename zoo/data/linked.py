"""Samples of one task made from another task's samples and a model's predictions for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.contract.predictor import Predictor
from zoo.contract.source import Block, Link, Source
from zoo.contract.table import Table
from zoo.data.reader import available_fields, read_block
from zoo.errors import PluginError

__all__ = ["LinkedSource", "upstream_models"]


class LinkedSource:
    """Reads upstream, predicts, links; blocks and groups are those upstream.

    Predictions are made at every read: where the model is slow, write the linked samples to a
    file once, with ``zoo data convert``.

    Args:
        source: The upstream samples.
        link: What joins samples and predictions.
        predictor: The model of the upstream task.
        model: What identifies it: its id, the name and the sha256 of its file.

    Attributes:
        facts: Of the linked samples.
    """

    def __init__(
        self,
        source: Source,
        link: Link,
        predictor: Predictor,
        model: Mapping[str, str] | None = None,
    ) -> None:
        self.source = source
        self.model = dict(model or {})
        self.link = link
        self.predictor = predictor
        self.facts: Mapping[str, Any] = link.facts(source.facts)
        optional: frozenset[str] = getattr(link, "optional", frozenset())  # older links have none
        optional = optional - link.needs
        found = available_fields(source, optional) if optional else optional
        self._read = link.needs | predictor.needs | found

    def blocks(self) -> Sequence[Block]:
        """The upstream blocks."""
        return self.source.blocks()

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Linked samples with all their fields, ``id`` and ``group``.

        Raises:
            DataError: If the upstream source cannot be read.
            PluginError: If predictions or linked samples are not one per upstream sample.
        """
        samples = read_block(self.source, block, self._read, rows)
        predictions = self.predictor.predict(samples, samples.ids)
        _same_ids(samples, predictions, type(self.predictor).__name__)
        linked = self.link.link(samples, predictions)
        _same_ids(samples, linked, type(self.link).__name__)
        return linked.with_columns({"group": samples["group"]})


def upstream_models(source: Source) -> list[dict[str, str]]:
    """What identifies the models whose predictions samples are made from, the nearest first."""
    found = []
    while isinstance(source, LinkedSource):
        found.append(source.model)
        source = source.source
    return found


def _same_ids(samples: Table, made: Table, name: str) -> None:
    if not np.array_equal(samples.ids, made.ids):
        raise PluginError(
            f"it made {made.rows} rows for {samples.rows} samples, or with other ids",
            where=name,
            remedy="return one row per sample, in order, with the sample's id",
        )
