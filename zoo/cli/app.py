"""``zoo``: puts the commands together and turns errors into exit codes.

Imports neither torch, numpy nor h5py: commands import what they need when they run, and a
plugin's command group is loaded when it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from zoo import __version__
from zoo.cli import (
    bench,
    check,
    compare,
    data,
    doctor,
    export,
    info,
    new,
    output,
    predict,
    report,
    train,
)
from zoo.cli import eval as eval_verb
from zoo.cli import list as list_verb
from zoo.cli import select as select_verb
from zoo.cli import weights as weights_verb
from zoo.contract.refs import Ref, resolve
from zoo.contract.task import API_VERSION
from zoo.deprecation import show_plainly
from zoo.errors import PluginError, UsageError
from zoo.registry import Plugin, registry

__all__ = ["app", "main"]


class _PluginGroup(TyperGroup):
    """A plugin's commands, loaded when one is called: `zoo --help` must not import them."""

    def __init__(self, name: str, load: Callable[[], TyperGroup], **attributes: Any) -> None:
        super().__init__(name=name, **attributes)
        self._load = load

    def make_context(self, *args: Any, **extra: Any) -> Any:  # typer's Context class is private
        return self._load().make_context(*args, **extra)


class _Root(TyperGroup):
    """The core's commands and the plugins'; the one place where errors become exit codes."""

    def list_commands(self, ctx: Any) -> list[str]:
        self._add_plugins()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # typer's Command class is private
        if cmd_name not in self.commands:
            self._add_plugins()
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta["zoo.json"] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.TyperException as error:
            if not ctx.meta["zoo.json"] and output.is_first():
                raise  # typer tells it to people
            told = _usage_error(error, ctx)
            raise typer.Exit(output.report_error(told, ctx.meta["zoo.json"])) from error
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise  # a wanted end
        except (Exception, KeyboardInterrupt) as error:  # told, with its exit code
            raise typer.Exit(output.report_error(error, ctx.meta["zoo.json"])) from error

    def _add_plugins(self) -> None:
        found = registry()
        for name, ref in found.commands.items():
            self.commands.setdefault(name, _group(name, ref))
        for plugin in found.broken:
            self.commands.setdefault(plugin.name, _broken_group(plugin))


def _usage_error(error: typer.TyperException, ctx: Any) -> UsageError:
    """What typer refuses: an unknown command or option, a missing or wrong value."""
    command = (getattr(error, "ctx", None) or ctx).command_path
    return UsageError(
        error.format_message(), where=command, remedy=f"`{command} --help` shows what it takes"
    )


def _group(name: str, ref: Ref) -> TyperGroup:
    def load() -> TyperGroup:
        commands = resolve(ref)
        if not isinstance(commands, typer.Typer):
            raise PluginError("is no typer.Typer", where=ref, remedy="tell the plugin's author")
        group = typer.main.get_group(commands)
        group.name = name
        return group

    return _PluginGroup(name, load, help=f"Commands of the plugin: zoo {name} --help.")


def _broken_group(plugin: Plugin) -> TyperGroup:
    def load() -> TyperGroup:
        raise PluginError(plugin.error, where=plugin.name, remedy="`zoo doctor` tells more")

    return _PluginGroup(plugin.name, load, hidden=True)


app = typer.Typer(
    cls=_Root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        api = ".".join(map(str, API_VERSION))
        typer.echo(f"zoo {__version__} (plugin API {api})")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Tell the version.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """One command for the learning jobs of particle detectors: train, judge, ship, time."""


for _verb in (
    list_verb,
    info,
    data,
    train,
    predict,
    eval_verb,
    compare,
    select_verb,
    export,
    bench,
    report,
    new,
    weights_verb,
    check,
    doctor,
):
    _verb.register(app)


def main() -> NoReturn:
    """The command ``zoo``."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    show_plainly()
    app(prog_name="zoo")
    raise SystemExit(0)
