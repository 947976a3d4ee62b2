"""Writes ``clustering_golden.txt`` with scikit-learn, which the project does not depend on.

Run it once with scikit-learn on the path, in no environment of the project::

    pip install --target SOMEWHERE scikit-learn
    PYTHONPATH=SOMEWHERE python make_clustering_golden.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import sklearn
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

GOLDEN = Path(__file__).with_name("clustering_golden.txt")


def main() -> None:
    random = np.random.default_rng(20)
    heading = "true clusters | found clusters | adjusted_rand_score | adjusted_mutual_info_score"
    lines = [f"# scikit-learn {sklearn.__version__}: {heading}"]
    for voxels, true_clusters, found_clusters, kept in (
        (1, 1, 1, 1.0),
        (2, 2, 1, 0.0),
        (6, 2, 2, 0.5),
        (12, 4, 3, 0.6),
        (30, 6, 5, 0.9),
        (30, 30, 4, 0.0),
        (60, 3, 25, 0.8),
        (60, 8, 8, 0.0),
        (90, 9, 9, 1.0),
    ):
        true = random.integers(0, true_clusters, voxels)
        other = random.integers(0, found_clusters, voxels)
        found = np.where(random.random(voxels) < kept, true % found_clusters, other)
        fields = (
            " ".join(map(str, true)),
            " ".join(map(str, found)),
            repr(float(adjusted_rand_score(true, found))),
            repr(float(adjusted_mutual_info_score(true, found))),
        )
        lines.append(" | ".join(fields))
    GOLDEN.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
