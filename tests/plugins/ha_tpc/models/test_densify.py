"""The scatter on the device is that of numpy, also where it is exported."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from zoo.api import Ragged, Table
from zoo_ha_tpc.dense import images
from zoo_ha_tpc.models.densify import Densify

ROWS, COLUMNS = 6, 9
NAMES = ("event", "row", "column", "values", "per_event")


def batch(lengths: list[int], seed: int = 0) -> tuple[Table, tuple[Tensor, ...]]:
    """Hits of so many pads in each event, as a table and as the module's arguments."""
    rng = np.random.default_rng(seed)
    pads = [rng.permutation(ROWS * COLUMNS)[:length] for length in lengths]
    pad = np.concatenate(pads).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    charge, time = (rng.integers(1, 4000, len(pad)).astype(np.uint16) for _ in range(2))
    columns = {
        "hit_row": (pad // COLUMNS).astype(np.uint8),
        "hit_column": (pad % COLUMNS).astype(np.uint8),
        "hit_charge": charge,
        "hit_time": time,
    }
    table = Table(
        {
            "id": np.arange(len(lengths), dtype=np.uint64),
            **{name: Ragged(values, offsets) for name, values in columns.items()},
        }
    )
    event = np.repeat(np.arange(len(lengths)), lengths)
    values = np.stack([charge, time], axis=1).astype(np.float32)
    arrays = (event, pad // COLUMNS, pad % COLUMNS, values, np.zeros(len(lengths), np.float32))
    return table, tuple(map(torch.from_numpy, arrays))


def require_images(module: Callable[..., Tensor], lengths: list[int], seed: int = 0) -> None:
    table, arguments = batch(lengths, seed)
    found = module(*arguments).numpy()
    expected = images(table, (ROWS, COLUMNS), ("hit_charge", "hit_time"))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("lengths", [[3, 0, 54], [1], [0, 0]])
def test_it_is_what_numpy_makes(lengths: list[int]) -> None:
    require_images(Densify(ROWS, COLUMNS, 2), lengths)


def test_values_keep_their_dtype_and_gradient() -> None:
    _, (event, row, column, values, per_event) = batch([3, 2])
    values = values.double().requires_grad_()
    image = Densify(ROWS, COLUMNS, 2)(event, row, column, values, per_event)
    assert image.dtype == torch.float64
    (image * image).sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad, 2 * values.detach())


@pytest.mark.filterwarnings("ignore:`torch.jit.*is deprecated")
def test_torchscript_takes_other_sizes() -> None:
    traced = torch.jit.trace(Densify(ROWS, COLUMNS, 2).eval(), batch([4, 3])[1])
    stream = io.BytesIO()
    torch.jit.save(traced, stream)
    stream.seek(0)
    loaded = torch.jit.load(stream)
    for lengths in ([5, 0, 2], [1], [0, 0, 0, 0]):
        require_images(loaded, lengths, seed=1)


def test_onnx_takes_other_sizes() -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    free = {0: torch.export.Dim.DYNAMIC}
    program = torch.onnx.export(
        Densify(ROWS, COLUMNS, 2).eval(),
        batch([4, 3])[1],
        dynamo=True,
        opset_version=18,
        input_names=NAMES,
        dynamic_shapes=(free,) * 5,
        verbose=False,
    )
    assert program is not None
    session = runtime.InferenceSession(program.model_proto.SerializeToString())

    def module(*arguments: Tensor) -> Tensor:
        given = {name: tensor.numpy() for name, tensor in zip(NAMES, arguments, strict=True)}
        return torch.from_numpy(session.run(None, given)[0])

    for lengths in ([5, 0, 2], [1], [0, 0, 0, 0]):
        require_images(module, lengths, seed=1)
