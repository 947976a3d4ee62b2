from __future__ import annotations

import pytest

from zoo.config.run import DataConfig
from zoo.prediction.sources import parse_data


@pytest.mark.parametrize(
    ("text", "source", "path"),
    [
        ("npy:a/b.npy", "npy", "a/b.npy"),
        ("hdf5:x.h5", "hdf5", "x.h5"),
        ("geant4-root:/data/run:1.root", "geant4-root", "/data/run:1.root"),
        ("x.h5", "hdf5", "x.h5"),
        ("/data/x:y.h5", "hdf5", "/data/x:y.h5"),
        ("folder/file", "hdf5", "folder/file"),
        ("toy", "toy", ""),
    ],
)
def test_grammar_of_data(text: str, source: str, path: str):
    assert parse_data(text) == DataConfig(source=source, path=path)
