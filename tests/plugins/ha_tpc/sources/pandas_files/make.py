"""Wrote the files of this folder, with pandas 3.1.1 and PyTables 3.11.1.

    python tests/plugins/ha_tpc/sources/pandas_files/make.py

Three events on a plane of 3 rows and 4 columns; what they hold stands in ``test_pandas_h5.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent

TRUTH = pd.DataFrame(
    {
        "p_y": [0.3, 0.0, -0.6],
        "p_z": [0.4, 0.5, 0.8],
        "y_ini": [10.0, -5.0, 3.0],
        "charge": [1, 1, -1],
    }
)
IMAGES = np.zeros((3, 12))
IMAGES[0, [0, 4, 8]] = 10, 20, 30
IMAGES[1, [1, 5]] = 7, 9
IMAGES[2, 11] = 5
HITS = pd.DataFrame(
    {
        "event": [4, 4, 4, 7, 7, 9],
        "hit_row": [0, 1, 2, 0, 1, 2],
        "hit_column": [0, 0, 0, 1, 1, 3],
        "hit_charge": [10.0, 20.0, 30.0, 7.0, 9.0, 5.0],
    }
)


def main() -> None:
    wide = pd.DataFrame(IMAGES, columns=[f"Qmax_{number}" for number in range(12)])
    events = pd.concat([TRUTH, wide], axis=1)
    events.to_hdf(HERE / "wide-fixed.h5", key="events", mode="w", format="fixed")
    for name, library in (("wide-table.h5", "zlib"), ("wide-blosc.h5", "blosc")):
        with pd.HDFStore(HERE / name, "w", complevel=5, complib=library) as store:
            store.append("events", events, index=False)
    with pd.HDFStore(HERE / "two-fixed.h5", "w") as store:
        store.put("images", pd.DataFrame(IMAGES))
        store.put("truth", TRUTH)
    with pd.HDFStore(HERE / "hits-table.h5", "w", complevel=5, complib="zlib") as store:
        store.append("hits", HITS, data_columns=True, index=False)
        store.append("truth", TRUTH, index=False)


if __name__ == "__main__":
    main()
