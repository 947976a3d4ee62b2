"""``zoo bench``: time and memory of models, each case in fresh processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import (
    ConfigOption,
    DataOption,
    DeviceOption,
    JsonOption,
    OutOption,
    RecipeOption,
    SetOption,
)
from zoo.cli.output import emit, table
from zoo.cli.progress import progress_bar
from zoo.cli.pulling import pull_named
from zoo.errors import UsageError, suggestion

if TYPE_CHECKING:
    from zoo.bench import Bench

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench_command)


def bench_command(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=]ID[:KEY=VALUE]...",
            help="TASK/MODEL, a run, a model file or an exported file; KEY: of the model's config.",
        ),
    ] = None,
    *,
    files: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="F.toml", help="Describes a foreign .onnx or .ts file."),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run foreign TorchScript, which is a program.")
    ] = False,
    sizes: Annotated[
        list[str] | None,
        typer.Option("--size", metavar="DIM=N,DIM=N", help="Of the inputs; may be repeated."),
    ] = None,
    batch: Annotated[str, typer.Option(metavar="N,N", help="Samples of one call.")] = "",
    precision: Annotated[str, typer.Option(help="fp32, bf16, fp16: comma-separated.")] = "fp32",
    threads: Annotated[str, typer.Option(metavar="N,N", help="Threads of a process.")] = "1",
    onednn: Annotated[str, typer.Option("--onednn", help="on, off: torch's oneDNN.")] = "on",
    runtime: Annotated[str, typer.Option(help="eager, compiled, onnx, ts.")] = "eager",
    mode: Annotated[str, typer.Option(help="inference, training.")] = "inference",
    repeats: Annotated[int, typer.Option(min=1, help="Timed calls of one process.")] = 5,
    processes: Annotated[int, typer.Option(min=1, help="Processes of one row.")] = 3,
    relative_to: Annotated[
        str, typer.Option(metavar="NAME|ID", help="Add ratios to this row.")
    ] = "",
    data: DataOption = "",
    recipe: RecipeOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    device: DeviceOption = "cpu",
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure time and memory: one row for each id, size, batch, precision and runtime.

    Every row is measured in fresh processes, which take turns with those of the other rows.
    """
    from zoo.bench import Options, Settings, bench, write_bench
    from zoo.bench.subjects import parse_id

    options = Options(
        sizes=[_sizes(text) for text in sizes or ()] or [{}],
        batches=_numbers("--batch", batch) if batch else [None],
        precisions=_words("--precision", precision, ("fp32", "bf16", "fp16")),
        threads=_numbers("--threads", threads),
        onednn=_words("--onednn", onednn, ("on", "off")),
        runtimes=_words("--runtime", runtime, ("eager", "compiled", "onnx", "ts")),
        modes=_words("--mode", mode, ("inference", "training")),
        repeats=repeats,
        device=device,
    )
    pull_named(parse_id(text)[1] for text in ids or ())
    with progress_bar("measuring", "processes") as progress:
        found = bench(
            ids or (),
            files=files or (),
            trust=trust,
            options=options,
            settings=Settings(
                recipe=recipe, files=config or (), assignments=settings or (), data=data
            ),
            processes=processes,
            relative_to=relative_to,
            progress=progress,
        )
    payload = found.as_dict()
    if out is not None:
        payload["files"] = [str(path) for path in write_bench(found, out)]
    emit(payload, as_json, lambda told: "\n".join(_render(found, told)))


def _render(found: Bench, payload: Mapping[str, Any]) -> Iterator[str]:
    from zoo.bench import table as show

    yield show.heading(found)
    yield ""
    yield table(show.columns(found), show.lines(found))
    yield ""
    yield from show.notes(found)
    for path in payload.get("files", ()):
        yield f"wrote {path}"


def _words(option: str, text: str, known: Sequence[str]) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in known:
            raise UsageError(
                f"'{word}' is none of {', '.join(known)}",
                where=option,
                remedy=suggestion(word, known),
            )
    return words


def _numbers(option: str, text: str) -> list[int]:
    return [_number(option, word) for word in text.split(",")]


def _number(option: str, text: str) -> int:
    if not (text.strip().isdecimal() and int(text)):
        raise UsageError(
            f"'{text.strip()}' is no number above zero", where=option, remedy="write 1 or 1,2"
        )
    return int(text)


def _sizes(text: str) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for assignment in text.split(","):
        name, equals, value = assignment.partition("=")
        name = name.strip()
        if not (name and equals) or name in sizes:
            raise UsageError(
                f"'{assignment.strip()}' gives no size, or one twice",
                where=f"--size {text}",
                remedy="write --size wire=800,bin=600",
            )
        sizes[name] = _number(f"--size {text}", value)
    return sizes
