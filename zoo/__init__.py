"""detector-zoo: one command for the learning jobs of particle detectors.

The calls of a notebook are ``zoo.load``, ``zoo.read``, ``zoo.evaluate`` and ``zoo.compare``;
everything a plugin may use is in ``zoo.api``. Importing ``zoo`` loads neither torch nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.evaluation import compare as compare
    from zoo.evaluation import evaluate as evaluate
    from zoo.prediction import load as load
    from zoo.prediction import read as read

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "evaluate", "load", "read"]

_HOME = {
    "compare": "zoo.evaluation",
    "evaluate": "zoo.evaluation",
    "load": "zoo.prediction",
    "read": "zoo.prediction",
}


def __getattr__(name: str) -> object:
    """Import the notebook calls on first use: they need torch, ``import zoo`` must not."""
    if name not in _HOME:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    from importlib import import_module

    # `from zoo.evaluation import ...` binds the submodule as `zoo.evaluate`; rebind the function.
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
