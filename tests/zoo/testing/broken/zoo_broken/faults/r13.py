"""An augmentation that depends on how many batches this process has made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_broken.base import PulseCodec


class CountingCodec(PulseCodec):
    def __init__(self, config: Any, facts: Mapping[str, Any], constants: Mapping[str, Any]) -> None:
        super().__init__(config, facts, constants)
        self.calls = 0

    def augment(self, samples: Table, keys: NDArray[np.uint64]) -> Table:
        self.calls += 1
        return samples.with_columns(
            {"pulse": samples["pulse"] * np.float32(1 + 0.001 * self.calls)}
        )
