"""An experiment's matplotlib style around the drawing of figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from shutil import which

import matplotlib as mpl
import matplotlib.style

from zoo.errors import UsageError

__all__ = ["drawn_in", "require_style"]


@contextmanager
def drawn_in(style: str) -> Iterator[None]:
    """Draw in a style: a ``.mplstyle`` file or the name of an installed one; empty: our own.

    A style file is a list of settings, never code.

    Raises:
        UsageError: If there is no such style, it is no style, or it needs what is not installed.
    """
    if not style:
        yield
        return
    with mpl.rc_context(_settings(style)):
        yield


def require_style(style: str) -> None:
    """Refuse a style before hours of work end in it.

    Raises:
        UsageError: As :func:`drawn_in`.
    """
    with drawn_in(style):
        pass


def _settings(style: str) -> mpl.RcParams:
    if not Path(style).is_file() and style not in matplotlib.style.available:
        near = get_close_matches(style, matplotlib.style.available, n=1)
        raise UsageError(
            "no such matplotlib style",
            where=f"--style {style}",
            remedy=f"did you mean '{near[0]}'?" if near else "give a .mplstyle file",
        )
    try:
        settings = (
            mpl.rc_params_from_file(style, use_default_template=False)
            if Path(style).is_file()
            else matplotlib.style.library[style]
        )
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"is no matplotlib style ({error})", where=f"--style {style}", remedy="mend the file"
        ) from error
    if not settings:
        raise UsageError(
            "is no matplotlib style: it has no setting that matplotlib knows",
            where=f"--style {style}",
            remedy="give a .mplstyle file",
        )
    if settings.get("text.usetex") and which("latex") is None:
        raise UsageError(
            "the style sets text with LaTeX, which is not on PATH",
            where=f"--style {style}",
            remedy="install LaTeX, or say text.usetex: False in a copy of the style",
        )
    return settings
