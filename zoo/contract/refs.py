"""References to code by name, resolved on use, so that naming a model does not import torch."""

from __future__ import annotations

from importlib import import_module

from zoo.errors import PluginError, ZooError, suggestion

__all__ = ["Ref", "resolve"]

Ref = str
"""``"package.module:Name"``."""


def resolve(ref: Ref) -> object:
    """Import what a reference names.

    Raises:
        PluginError: If the reference is malformed, or its module or name is missing, or the
            module fails on import.
        ZooError: Which the module raises on import, as it is: it knows the remedy.
    """
    module_name, colon, name = ref.partition(":")
    if not (module_name and colon and name):
        raise PluginError("a reference is 'package.module:Name'", where=repr(ref))
    try:
        module = import_module(module_name)
    except ZooError:
        raise
    except Exception as error:
        raise PluginError(
            f"its module failed on import ({type(error).__name__}: {error})",
            where=ref,
            remedy="run `zoo doctor`; the plugin or one of its requirements is broken",
        ) from error
    try:
        found: object = getattr(module, name)
    except AttributeError:
        raise PluginError(
            f"module '{module_name}' has no '{name}'",
            where=ref,
            remedy=suggestion(name, [n for n in vars(module) if not n.startswith("_")]),
        ) from None
    return found
