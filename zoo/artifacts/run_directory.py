"""The run directory: everything about one training.

``run.json`` marks a folder as ours and says which training it is; a folder without it that holds
anything is never written to.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.artifacts.canonical import tidy
from zoo.errors import DataError, UsageError, suggestion
from zoo.files import sync, write_atomically

__all__ = ["MEASURED", "RunDirectory", "parse_run"]

MEASURED = frozenset(("seconds", "samples_per_second", "data_wait", "peak_memory"))
"""What a line of ``metrics.jsonl`` tells of the machine: equal trainings differ in it."""

_MARKER = "run.json"
_LOCK = "training.lock"
_TORN = re.compile(r"\..+\.[a-z0-9_]{8}")  # what zoo.files writes aside


def parse_run(ref: str) -> tuple[Path, int | None]:
    """``RUN`` or ``RUN@step`` as a folder and a step; an ``@`` before anything else is a name."""
    folder, at, step = ref.rpartition("@")
    if at and folder and step.isdecimal():
        return Path(folder), int(step)
    return Path(ref), None


class RunDirectory:
    """Paths and small files of one run. Heavy files are written by those who know them.

    Args:
        path: The folder; :meth:`create` and :meth:`open` check it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log_is_whole = False

    @staticmethod
    def is_run(path: Path) -> bool:
        """Whether a folder holds a run."""
        return (path / _MARKER).is_file()

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        identity: Mapping[str, Any],
        config: str,
        schema: Mapping[str, Any],
        environment: Mapping[str, Any],
    ) -> RunDirectory:
        """Make a new run directory.

        Args:
            path: A folder that does not exist or is empty.
            identity: What the training is: ``model`` (its id), starting weights, and so on.
            config: Text of ``config.toml``.
            schema: JSON schema of the configuration.
            environment: What :func:`zoo.artifacts.environment.environment` found.

        Raises:
            UsageError: If the folder holds a run or something else, or cannot be written.

        The marker comes first: a process that is killed on the way leaves a run that is known as
        one, and is not :attr:`complete`.
        """
        if cls.is_run(path):
            raise UsageError("holds a run already", where=str(path), remedy="choose another --out")
        cls.require_ours(path)
        run = cls(path)
        try:
            run.remove_torn()
            run._write_json(path / _MARKER, identity)
            write_atomically(run.config, config)
            run._write_json(run.schema, schema)
            run._write_json(run.environment, environment)
        except BaseException:
            run.discard()  # or the folder would be refused as somebody else's
            raise
        return run

    @classmethod
    def require_ours(cls, path: Path) -> None:
        """Check that a path holds a run, or nothing.

        Raises:
            UsageError: If somebody else's files are there.
        """
        if cls.is_run(path):
            return
        if path.exists() and not path.is_dir():
            raise UsageError("is a file", where=str(path), remedy="choose another --out")
        if path.is_dir() and any(not _comes_first(file) for file in path.iterdir()):
            raise UsageError(
                "is not empty and holds no run", where=str(path), remedy="choose another --out"
            )

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """An existing run.

        Raises:
            UsageError: If there is none.
        """
        if cls.is_run(path):
            return cls(path)
        found = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        remedy = "it lacks run.json" if path.is_dir() else suggestion(path.name, found[:100])
        raise UsageError("is no run directory", where=str(path), remedy=remedy)

    def discard(self) -> None:
        """Remove what :meth:`create` and :meth:`write_data` wrote, for a run that never began.

        Raises:
            UsageError: If the folder cannot be written.
        """
        files = (self.config, self.schema, self.environment, self.data, self.path / _MARKER)
        try:
            self.remove_torn()
            for path in files:  # the marker last: a kill on the way leaves a run
                path.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot be written ({error.strerror or error})",
                where=str(self.path),
                remedy="choose another --out",
            ) from error

    def remove_torn(self) -> None:
        """Remove files that a killed process left half-written under other names."""
        for folder in (self.path, self.path / "snapshots"):
            for path in folder.glob(".*"):
                if _TORN.fullmatch(path.name) and path.is_file():
                    path.unlink(missing_ok=True)

    @property
    def complete(self) -> bool:
        """Whether :meth:`create` came to its end."""
        return all(path.is_file() for path in (self.config, self.schema, self.environment))

    @property
    def lock(self) -> Path:
        """Who trains here now (:func:`zoo.artifacts.lock.locked`)."""
        return self.path / _LOCK

    @property
    def config(self) -> Path:
        """The resolved configuration, with provenance."""
        return self.path / "config.toml"

    @property
    def schema(self) -> Path:
        """JSON schema of the configuration."""
        return self.path / "schema.json"

    @property
    def environment(self) -> Path:
        """Versions and hardware."""
        return self.path / "environment.json"

    @property
    def data(self) -> Path:
        """Files, digests and split."""
        return self.path / "data.json"

    @property
    def fit(self) -> Path:
        """How a micro-batch was cut for ``--max-memory``."""
        return self.path / "fit.json"

    @property
    def metrics_log(self) -> Path:
        """One JSON object per line, appended."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Folder of checkpoints, for resuming."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The selected model."""
        return self.path / "model.safetensors"

    @property
    def evaluations(self) -> Path:
        """Folder of evaluations."""
        return self.path / "eval"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    def snapshot(self, step: int) -> Path:
        """The model file of a snapshot, whether it exists or not."""
        return self.path / "snapshots" / f"{step:09d}.safetensors"

    def snapshots(self) -> list[int]:
        """Steps that have a snapshot, in order."""
        found = (self.path / "snapshots").glob("*.safetensors")
        return sorted(int(path.stem) for path in found if path.stem.isdecimal())

    def model_at(self, step: int | None) -> Path:
        """The model file that ``RUN`` or ``RUN@step`` names.

        Raises:
            UsageError: If there is none yet, or no snapshot at this step.
        """
        path = self.model if step is None else self.snapshot(step)
        if path.is_file():
            return path
        if step is None:
            raise UsageError(
                "has no selected model yet",
                where=str(self.path),
                remedy="run the same `zoo train` again: it resumes",
            )
        steps = ", ".join(map(str, self.snapshots())) or "none"
        raise UsageError(
            f"has no snapshot at step {step}",
            where=str(self.path),
            remedy=f"steps with a snapshot: {steps}",
        )

    def identity(self) -> Mapping[str, Any]:
        """What :meth:`create` was told.

        Raises:
            DataError: If ``run.json`` is damaged.
        """
        return self.read_json(self.path / _MARKER)

    def write_data(self, description: Mapping[str, Any]) -> None:
        """Record files, digests and split."""
        self._write_json(self.data, description)

    def write_fit(self, description: Mapping[str, Any]) -> None:
        """Record how a micro-batch is cut."""
        self._write_json(self.fit, description)

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        """Append one line; it must have ``step``. Floats that JSON lacks become null.

        Raises:
            UsageError: If the disk is full or the folder cannot be written.
        """
        try:
            self._complete_log()
            with self.metrics_log.open("a", encoding="utf-8") as stream:
                stream.write(_json_line(line))
        except OSError as error:
            self._log_is_whole = False
            raise self._log_refusal(error) from error

    def sync_metrics(self) -> None:
        """Have all lines on disk, so that no power cut takes them.

        Raises:
            UsageError: As :meth:`append_metrics`.
        """
        if self.metrics_log.exists():
            try:
                sync(self.metrics_log)
                sync(self.path)
            except OSError as error:
                raise self._log_refusal(error) from error

    def _log_refusal(self, error: OSError) -> UsageError:
        return UsageError(
            f"cannot be written ({error.strerror or error})",
            where=str(self.metrics_log),
            remedy="free space and run the same command again: it resumes",
        )

    def metrics(self) -> list[dict[str, Any]]:
        """All whole lines; one that a killed process left half-written is not there.

        Raises:
            DataError: If another line is damaged.
        """
        return [line for line, _ in self._log_lines()]

    def truncate_metrics(self, step: int, *, splits: Collection[str] | None = None) -> None:
        """Drop lines of later steps than that of the checkpoint a training resumes from.

        Args:
            step: The checkpoint's.
            splits: Which ``split`` of its own lines is kept; ``None``: any.
        """
        if self.metrics_log.exists():
            kept = [
                text
                for line, text in self._log_lines()
                if line["step"] < step
                or (line["step"] == step and (splits is None or line.get("split") in splits))
            ]
            write_atomically(self.metrics_log, b"".join(kept))  # at once: no kill loses a line

    def read_json(self, path: Path, keys: Sequence[str] = ()) -> dict[str, Any]:
        """One of the run's JSON files.

        Args:
            path: The file.
            keys: What it must hold.

        Raises:
            DataError: If it is missing or damaged.
        """
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot be read ({error})", where=str(path), remedy="the run is damaged"
            ) from error
        if not isinstance(content, dict):
            raise DataError("is no JSON object", where=str(path), remedy="the run is damaged")
        missing = [key for key in keys if key not in content]
        if missing:
            raise DataError(
                f"it lacks '{missing[0]}'", where=str(path), remedy="the run is damaged"
            )
        return content

    def _write_json(self, path: Path, content: Mapping[str, Any]) -> None:
        write_atomically(path, json.dumps(tidy(content), indent=2, sort_keys=True) + "\n")

    def _complete_log(self) -> None:
        """Cut off what a killed process left of a line, or the next would be glued to it."""
        if not self._log_is_whole and self.metrics_log.exists():
            content = self.metrics_log.read_bytes()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                os.truncate(self.metrics_log, whole)
        self._log_is_whole = True

    def _log_lines(self) -> Iterator[tuple[dict[str, Any], bytes]]:
        if not self.metrics_log.exists():
            return
        lines = self.metrics_log.read_bytes().splitlines(keepends=True)
        for number, line in enumerate(lines, start=1):
            if number == len(lines) and not line.endswith(b"\n"):
                return
            try:
                yield _parse_line(line), line
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(
                    f"line {number} is damaged", where=str(self.metrics_log), remedy="delete it"
                ) from error


def _comes_first(path: Path) -> bool:
    """Whether it is the lock, or what a kill left of the marker: the files before all others."""
    torn = path.name.startswith(f".{_MARKER}.") and _TORN.fullmatch(path.name) is not None
    return torn or path.name == _LOCK


def _parse_line(line: bytes) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(line)
    content["step"] = int(content["step"])
    return content


def _json_line(line: Mapping[str, Any]) -> str:
    if not isinstance(line.get("step"), int):
        raise UsageError("a line of the metrics log needs an integer 'step'")
    return json.dumps(tidy(line)) + "\n"
