"""Read a foreign parameter file without running anything that it holds.

``.safetensors`` holds numbers alone. ``.pt``, ``.pth`` and ``.ckpt`` are pickles, which can hold
code: they go through torch's unpickler that knows tensors and plain values and refuses all else.
TorchScript is code, so its tensors are read only from a file that the user trusts.
"""

from __future__ import annotations

import pickle  # noqa: TID251  # for the name of an error alone
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.contract.checkpoint import Checkpoint
from zoo.errors import UsageError, WeightsError

__all__ = ["read_checkpoint"]

_PICKLED = (".pt", ".pth", ".ckpt")
_STATES = ("state_dict", "model_state_dict", "model_state", "model")  # where trainers put it
_WRAPPERS = ("module.", "_orig_mod.")  # of DataParallel and torch.compile
_RESAVE = (
    "on a machine that may run its code, load it there and save the tensors alone: "
    "safetensors.torch.save_file(state_dict, 'X.safetensors')"
)


def read_checkpoint(path: Path, *, trust: bool = False, prefix: str = "") -> Checkpoint:
    """The state dict of a foreign file, and what stands beside it.

    Args:
        path: ``.safetensors``, ``.pt``, ``.pth``, ``.ckpt``, or ``.ts`` with ``trust``.
        trust: Whether code of a TorchScript file may run while it is loaded.
        prefix: Take only tensors whose names begin with it, and cut it off: the attribute under
            which a Lightning module keeps its network, such as ``model.``.

    Raises:
        UsageError: If it is of another kind, or TorchScript without ``trust``, or nothing has
            the prefix.
        WeightsError: If it is missing or damaged, holds anything but numbers, texts and tensors,
            or has no state dict.
    """
    content = _reader(path, trust=trust)(path)
    if not isinstance(content, Mapping):
        raise _no_state(path, f"it holds one {type(content).__name__}")
    state, extras = _split(content)
    if not state:
        raise _no_state(path, f"it holds {', '.join(map(str, list(content)[:8])) or 'nothing'}")
    tensors = {name: _array(name, value, path) for name, value in state.items()}
    return Checkpoint(_chosen(_unwrapped(tensors), prefix, path), _plain(extras))


def _reader(path: Path, *, trust: bool) -> Callable[[Path], object]:
    if not path.is_file():
        raise WeightsError("there is no such file", where=str(path), remedy="check the path")
    if path.suffix == ".safetensors":
        return _read_safetensors
    if path.suffix in _PICKLED:
        return _read_pickled
    if path.suffix != ".ts":
        raise UsageError(
            f"files '{path.suffix or path.name}' are not read",
            where=str(path),
            remedy=f"give a state dict as .safetensors, {', '.join(_PICKLED)}, or .ts with --trust",
        )
    if not trust:
        raise UsageError(
            "a TorchScript file holds code, which runs when it is loaded",
            where=str(path),
            remedy="add --trust if you know who made it",
        )
    return _read_script


def _read_safetensors(path: Path) -> object:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            if "zoo" in (file.metadata() or {}):
                raise UsageError(
                    "it is a model file already",
                    where=str(path),
                    remedy="use it as it is: `zoo predict FILE`, `zoo info FILE`",
                )
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no dict
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error


def _read_pickled(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about archives that it refuses anyway
            # The one place where a pickle is opened: this unpickler calls nothing but what
            # rebuilds tensors.
            return torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"it holds more than numbers, texts and tensors, and nothing of it was run: "
            f"{_first_line(error)}",
            where=str(path),
            remedy=_RESAVE,
        ) from None
    except RuntimeError as error:
        if "TorchScript" in str(error):
            raise UsageError(
                "it is a TorchScript file, which holds code",
                where=str(path),
                remedy="name it .ts and add --trust if you know who made it",
            ) from None
        raise _damaged(path, error) from error
    except Exception as error:  # whatever random bytes make of an unpickler
        raise _damaged(path, error) from error


def _read_script(path: Path) -> object:
    jit: Any = torch.jit  # it has no types
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated, which a reader knows
            return jit.load(str(path), map_location="cpu").state_dict()
    except (RuntimeError, ValueError, OSError) as error:
        raise _damaged(path, error) from error


def _split(content: Mapping[Any, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The state dict, and what stands beside it."""
    for name in _STATES:
        if _is_state(content.get(name)):
            return content[name], {key: v for key, v in content.items() if key != name}
    return (content, {}) if _is_state(content) else ({}, content)


def _is_state(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, str) for key in value)
        and any(isinstance(item, torch.Tensor) for item in value.values())
        and not any(isinstance(item, Mapping) for item in value.values())
    )


def _array(name: str, value: object, path: Path) -> NDArray[Any]:
    where = f"{path}: {name}"
    if not isinstance(value, torch.Tensor):
        raise WeightsError(
            f"it is no tensor but a {type(value).__name__}",
            where=where,
            remedy="save a state dict, and nothing else in it",
        )
    if value.layout != torch.strided or value.is_quantized:
        raise WeightsError("it is sparse or quantised", where=where, remedy="save it dense")
    dense = value.detach()
    array: NDArray[Any] = (dense.float() if dense.dtype == torch.bfloat16 else dense).numpy()
    if not np.isfinite(array).all():
        raise WeightsError(
            "it has values that are not finite",
            where=where,
            remedy="take a checkpoint from before the training failed",
        )
    return array


def _unwrapped(tensors: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
    for wrapper in _WRAPPERS:
        if all(name.startswith(wrapper) for name in tensors):
            return _unwrapped({name.removeprefix(wrapper): v for name, v in tensors.items()})
    return tensors


def _chosen(
    tensors: Mapping[str, NDArray[Any]], prefix: str, path: Path
) -> Mapping[str, NDArray[Any]]:
    chosen = {n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)}
    if not chosen:
        raise UsageError(
            f"no tensor begins with '{prefix}'",
            where=str(path),
            remedy=f"its tensors are {', '.join(list(tensors)[:4])}, ...",
        )
    return chosen


def _plain(value: Any) -> Any:
    """Tensors among the extras as arrays; optimiser states go unread, they may be large."""
    if isinstance(value, Mapping):
        kept = {str(key): item for key, item in value.items()}
        return {key: _plain(item) for key, item in kept.items() if "optim" not in key}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, torch.Tensor) and value.layout == torch.strided:
        return (value.float() if value.dtype == torch.bfloat16 else value).detach().numpy()
    return value


def _no_state(path: Path, told: str) -> WeightsError:
    return WeightsError(
        f"it has no state dict: {told}",
        where=str(path),
        remedy="save one: torch.save(model.state_dict(), 'X.pth')",
    )


def _damaged(path: Path, error: Exception) -> WeightsError:
    return WeightsError(
        f"it cannot be read: {_first_line(error)}",
        where=str(path),
        remedy="copy it again; a .pth is what torch.save wrote",
    )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in lines if "GLOBAL" in line or "global" in line), "")
    return (told or (lines[0] if lines else type(error).__name__))[:200]
