"""What commands tell while they work, and at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import typer

__all__ = ["Progress", "emit"]


class Progress:
    """A line on stderr every ten seconds, and at the end."""

    def __init__(self, label: str, things: str = "events") -> None:
        self.label, self.things, self.told = label, things, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Take note of what is done so far."""
        if time.monotonic() - self.told < 10 and done < total:
            return
        self.told = time.monotonic()
        typer.echo(f"{self.label}: {done}/{total} {self.things}", err=True)


def emit(told: Mapping[str, Any], as_json: bool) -> None:
    """All as JSON, or the summary for people."""
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(_lines(told["summary"])))


def _lines(summary: Mapping[str, Any]) -> list[str]:
    """A summary for people."""
    lines = []
    for name, value in summary.items():
        if name == "pulls":
            lines += [f"pull of {key}: {_pull(pull)}" for key, pull in value.items()]
        elif isinstance(value, Mapping) and "of" in value:
            lines.append(f"{name}: {_share(value)}")
        elif isinstance(value, Mapping):
            unit = value.get("unit", "s")
            parts = (f"{key} {x:.3g}" for key, x in value.items() if key != "unit")
            lines.append(f"{name}: {', '.join(parts)} {unit}")
        else:
            lines.append(f"{name}: {value:.3g}" if isinstance(value, float) else f"{name}: {value}")
    return lines


def _share(value: Mapping[str, float]) -> str:
    if not value["of"]:
        return "none to judge"
    interval = f"{value['low']:.3f} to {value['high']:.3f}"
    return f"{value['share']:.3f} ({interval}, 95 %), {value['count']:.0f} of {value['of']:.0f}"


def _pull(pull: Mapping[str, float]) -> str:
    return (
        f"mean {pull['mean']:+.2f} +- {pull['mean error']:.2f}, "
        f"width {pull['width']:.2f} +- {pull['width error']:.2f}"
    )
