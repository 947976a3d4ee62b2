"""What a training ran on: versions, processor, source revision. No host names, no paths."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["PACKAGES", "cpu_flags", "cpu_model", "environment", "package_versions"]

PACKAGES = ("torch", "numpy", "scipy", "h5py", "safetensors", "pydantic", "onnx", "onnxruntime")
"""Packages whose version can change a result."""

_FLAGS = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve")


def environment(distributions: Iterable[str] = ()) -> dict[str, Any]:
    """A description of this process's surroundings.

    Args:
        distributions: Further packages to record: those of the plugins.
    """
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": package_versions(("detector-zoo", *PACKAGES, *distributions)),
        "cpu": {"model": cpu_model(), "flags": cpu_flags(), "count": os.cpu_count()},
        "gpu": _gpus(),
        "git": _revision(Path(__file__).resolve().parent),
    }


def package_versions(names: Iterable[str]) -> dict[str, str | None]:
    """Installed versions, from metadata alone; ``None``: not installed."""
    return {name: _version(name) for name in names}


def cpu_model() -> str:
    """The processor's name, as Linux knows it."""
    return _cpu_field("model name") or platform.processor() or platform.machine()


def cpu_flags() -> list[str]:
    """Vector instructions that decide speed and rounding."""
    known = set((_cpu_field("flags") or _cpu_field("Features")).split())
    return [flag for flag in _FLAGS if flag in known]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cpu_field(name: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    values = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in values if key.strip() == name), "")


def _gpus() -> list[str]:
    """Names of CUDA devices, if torch is loaded anyway."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def _revision(folder: Path) -> dict[str, Any] | None:
    """Revision of the checkout that zoo runs from; ``None`` for an installed package."""
    try:
        if _git(folder, "ls-files", "--error-unmatch", __file__) is None:
            return None
        return {
            "commit": _git(folder, "rev-parse", "HEAD"),
            "changed": bool(_git(folder, "status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
