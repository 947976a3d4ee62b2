"""The model file: same bytes for same content, a readable header, no damage unseen."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from zoo.artifacts.model_file import ModelRecord, read_header, read_model, write_model
from zoo.errors import PluginError, UsageError, WeightsError

_WRITE = """
import sys
from pathlib import Path
import numpy as np
from zoo.artifacts.model_file import ModelRecord, write_model
names = sys.argv[2].split(",")
facts = {name: {"pitch": np.arange(3.0), "units": "mm"} for name in names}
tensors = {f"networks/net/{name}": np.full((2, 3), 0.5, np.float32) for name in names}
write_model(Path(sys.argv[1]), ModelRecord(model="a/b", plugin="a", plugin_version="1", api="1.0",
    config={name: 1 for name in names}, facts=facts, tensors=tensors))
"""


def record(**changes: Any) -> ModelRecord:
    rng = np.random.default_rng(1)
    base = ModelRecord(
        model="dnn-roi/lite-unet",
        plugin="dnn-roi",
        plugin_version="0.1.0",
        api="1.0",
        config={"width": 8, "sizes": [1, 2], "limit": float("inf")},
        facts={"pitch": np.array([3.0, 5.0]), "name": "sbnd", "planes": [{"wires": np.arange(4)}]},
        constants={"scale": 0.25, "table": np.arange(6, dtype=np.int16).reshape(2, 3)},
        metrics={"E": 0.9, "undefined": float("nan")},
        lineage={"step": 100},
        tensors={
            "networks/net/weight": rng.normal(size=(3, 4)).astype(np.float32),
            "networks/net/steps": np.array(7),
            "networks/net/mask": np.array([True, False]),
            "networks/net/empty": np.zeros((0, 3), np.float16),
        },
    )
    return replace(base, **changes)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    write_model(path, record())
    return path


def test_it_reads_back(written: Path) -> None:
    found, expected = read_model(written), record()
    assert found.model == "dnn-roi/lite-unet"
    assert found.config == expected.config
    assert found.lineage == {"step": 100}
    assert np.isnan(found.metrics["undefined"])
    assert found.facts["name"] == "sbnd"
    np.testing.assert_array_equal(found.facts["pitch"], [3.0, 5.0])
    np.testing.assert_array_equal(found.facts["planes"][0]["wires"], np.arange(4))
    np.testing.assert_array_equal(found.constants["table"], [[0, 1, 2], [3, 4, 5]])
    assert found.tensors.keys() == expected.tensors.keys()
    for name, array in expected.tensors.items():
        assert found.tensors[name].dtype == array.dtype
        assert found.tensors[name].shape == array.shape
        np.testing.assert_array_equal(found.tensors[name], array)
        assert found.tensors[name].flags.writeable


def test_fresh_processes_write_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the order of insertion and the seed of string hashes."""
    contents = []
    for seed, names in (("1", "alpha,beta,gamma"), ("2", "gamma,alpha,beta")):
        path = tmp_path / f"{seed}.safetensors"
        subprocess.run(
            [sys.executable, "-c", _WRITE, str(path), names],
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
        )
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]


def test_the_safetensors_library_reads_it(written: Path) -> None:
    found = safetensors.numpy.load_file(written)
    np.testing.assert_array_equal(
        found["networks/net/weight"], record().tensors["networks/net/weight"]
    )
    np.testing.assert_array_equal(found["facts/planes/0/wires"], np.arange(4))
    with safetensors.safe_open(written, framework="np") as opened:
        assert list(opened.metadata()) == ["zoo"]


def test_memory_layout_and_byte_order_do_not_matter(tmp_path: Path, written: Path) -> None:
    tensors = dict(record().tensors)
    weight = tensors["networks/net/weight"]
    tensors["networks/net/weight"] = np.asfortranarray(weight).astype(">f4")
    write_model(tmp_path / "other", record(tensors=tensors))
    assert (tmp_path / "other").read_bytes() == written.read_bytes()


def test_the_header_needs_neither_numpy_nor_torch(written: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from zoo.artifacts.model_file import read_header
header = read_header(Path({str(written)!r}))
print(header["model"], header["tensors"]["networks/net/weight"], header["facts"]["pitch"])
heavy = {{"numpy", "torch", "safetensors", "h5py"}} & sys.modules.keys()
assert not heavy, heavy
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert done.stdout == (
        "dnn-roi/lite-unet {'dtype': 'F32', 'shape': [3, 4]} {'$array': 'facts/pitch'}\n"
    )


def test_bfloat16_is_read_exactly(tmp_path: Path) -> None:
    """1.5, -2 and 2^-126 as bfloat16 are the upper halves of their float32 patterns (IEEE 754)."""
    path = tmp_path / "model.safetensors"
    write_model(path, record(facts={}, constants={}, tensors={"networks/net/w": _float32_bits()}))
    content = path.read_bytes().replace(b'"dtype":"U16"', b'"dtype":"BF16"')
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size + 1])
    record_text = json.loads(header["__metadata__"]["zoo"])
    record_text["sha256"] = _checksum_of(record_text, "BF16")
    header["__metadata__"]["zoo"] = json.dumps(record_text)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + _float32_bits().tobytes())
    found = read_model(path).tensors["networks/net/w"]
    assert found.dtype == np.float32
    assert found.tolist() == [1.5, -2.0, 2.0**-126]


def _float32_bits() -> np.ndarray[Any, np.dtype[np.uint16]]:
    return np.array([0x3FC0, 0xC000, 0x0080], dtype=np.uint16)


def _checksum_of(header: dict[str, Any], dtype: str) -> str:
    import hashlib

    from zoo.artifacts.canonical import canonical_json

    rest = {key: value for key, value in header.items() if key != "sha256"}
    content = canonical_json(rest).encode() + f"\nnetworks/net/w {dtype} [3]\n".encode()
    return hashlib.sha256(content + _float32_bits().tobytes()).hexdigest()


def test_every_truncation_is_refused(written: Path, tmp_path: Path) -> None:
    content = written.read_bytes()
    path = tmp_path / "cut.safetensors"
    for length in [*range(0, 64, 7), len(content) // 2, len(content) - 1]:
        path.write_bytes(content[:length])
        for read in (read_header, read_model):
            with pytest.raises(WeightsError, match="is damaged"):
                read(path)


def test_every_wrong_bit_is_noticed(written: Path, tmp_path: Path) -> None:
    content = written.read_bytes()
    path = tmp_path / "flipped.safetensors"
    for position in range(0, len(content), 41):
        damaged = bytearray(content)
        damaged[position] ^= 4
        path.write_bytes(bytes(damaged))
        with pytest.raises(WeightsError) as caught:
            read_model(path)
        assert caught.value.exit_code == 5
        assert caught.value.remedy
        assert caught.value.where == str(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04\x95 a pickle",
        b"PK\x03\x04 a zip archive, as torch.save makes",
        (2**62).to_bytes(8, "little") + b"{}",
        (20 * 2**20).to_bytes(8, "little") + b"{" + b" " * 100,
        (2).to_bytes(8, "little") + b"[]",
        (4).to_bytes(8, "little") + b"null",
        (13).to_bytes(8, "little") + b'{"a":{"b":1}}',
        (40).to_bytes(8, "little") + b"[" * 40,
    ],
)
def test_garbage_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "garbage.safetensors"
    path.write_bytes(content)
    for read in (read_header, read_model):
        with pytest.raises(WeightsError, match="is damaged or no model file"):
            read(path)


def test_more_bytes_are_refused(written: Path) -> None:
    written.write_bytes(written.read_bytes() + b"x")
    with pytest.raises(WeightsError, match="bytes instead of"):
        read_header(written)


def test_foreign_safetensors_are_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    safetensors.numpy.save_file({"w": np.zeros(3)}, path, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match="zoo did not write") as caught:
        read_model(path)
    assert "zoo weights convert" in caught.value.remedy


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("{", "no valid JSON"),
        ("3", "no valid JSON"),
        ('{"a": 1}', "no valid JSON"),
        ('{"format": 2}', "has format 2, this zoo reads format 1"),
        ('{"format": 1}', "lacks a part"),
    ],
)
def test_other_descriptions(description: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    safetensors.numpy.save_file({"w": np.zeros(3)}, path, metadata={"zoo": description})
    with pytest.raises(WeightsError, match=message):
        read_header(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="No such file"):
        read_model(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    "changes",
    [
        {"facts": {"names": np.array(["a", "b"])}},
        {"facts": {"response": np.zeros(2, np.complex128)}},
        {"constants": {"x": {1, 2}}},
        {"tensors": {"networks/net/w": np.array([None])}},
        {"facts": {"a/b": np.zeros(1), "a": {"b": np.zeros(1)}}},
    ],
)
def test_what_cannot_be_stored_leaves_the_old_file(changes: Any, written: Path) -> None:
    before = written.read_bytes()
    with pytest.raises(PluginError):
        write_model(written, record(**changes))
    assert written.read_bytes() == before
    assert [path.name for path in written.parent.iterdir()] == [written.name]


def test_a_huge_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="belong into numpy arrays"):
        write_model(tmp_path / "m", record(facts={"table": [0.123456789] * 10**6}))


def test_an_unwritable_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        write_model(tmp_path / "file" / "model.safetensors", record())
