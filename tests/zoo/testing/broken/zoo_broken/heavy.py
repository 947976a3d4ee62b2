"""R01: an entry point that imports numpy."""

from __future__ import annotations

import numpy as np

from zoo_broken.entries import Entry

r01 = Entry("r01", summary=f"it has {np.pi:.2f}")
