"""Small pieces of HTML: escaped text, tables, figures inside the page."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from zoo.errors import DataError
from zoo.report.drawings import StoredDrawing
from zoo.report.interactive import framed, script_policy

__all__ = ["Cell", "code", "details", "figure", "key_values", "page", "section", "table"]

# Nothing is ever fetched: the policy holds even if a name in the data tried to smuggle a tag in.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root { --ink: #1c2430; --soft: #5b6675; --line: #d9dee5; --tint: #f5f7fa; --accent: #0b5cad; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1.25rem 4rem; color: var(--ink);
  background: #fff; font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header { border-bottom: 3px solid var(--accent); padding-bottom: .75rem; margin-bottom: 1rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; border-bottom: 1px solid var(--line);
  padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p, figcaption, .soft { color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .92rem; }
a { color: var(--accent); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .32rem .8rem .32rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
tr.baseline td:first-child::after, tr.oracle td:first-child::after,
tr.published td:first-child::after { font-size: .72rem; color: var(--soft);
  border: 1px solid var(--line); border-radius: .6rem; padding: 0 .45rem;
  margin-left: .5rem; display: inline-block; white-space: nowrap; }
tr.baseline td:first-child::after { content: "baseline"; }
tr.oracle td:first-child::after { content: "oracle"; }
tr.published td:first-child::after { content: "published, other sample"; }
th:first-child, td:first-child { position: sticky; left: 0; background: #fff; }
tr.oracle, tr.oracle td:first-child { background: var(--tint); }
td.better { color: #0a7a3d; } td.worse { color: #b3261e; }
td.under-trained, td.leaked { color: #8a6100; }
details { margin: .4rem 0 1rem; } summary { cursor: pointer; color: var(--accent); }
td .interval { display: block; color: var(--soft); font-size: .9em; }
figure { margin: 1.2rem 0 1.8rem; }
figure iframe { width: 100%; border: 1px solid var(--line); border-radius: .4rem;
  margin-top: .6rem; display: block; }
figure img { max-width: 100%; height: auto; display: block; margin: 0 auto; }
figcaption { font-size: .88rem; margin-top: .4rem; max-width: 52rem; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .15rem 1.2rem;
  margin: .5rem 0; font-size: .92rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: .4rem;
  padding: .8rem 1rem; overflow-x: auto; font-size: .8rem; line-height: 1.45; }
@media (max-width: 40rem) { body { font-size: 15px; padding: 1rem .8rem 3rem; }
  h1 { font-size: 1.35rem; } dl { grid-template-columns: 1fr; } dd { margin-bottom: .3rem; }
  th:first-child, td:first-child { white-space: normal; overflow-wrap: anywhere;
    min-width: 7rem; max-width: 9rem; } }
@media print { figure iframe { display: none; } }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  figure, tr, h3 { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; } table { font-size: 6.5pt; }
  th, td { white-space: normal; overflow-wrap: anywhere; padding-right: .35rem;
    min-width: 2.4rem; }
  th:first-child, td:first-child { position: static; min-width: 3.6rem; }
  details::details-content { content-visibility: visible; }
  pre { white-space: pre-wrap; font-size: 7.5pt; } figure img { max-height: 22cm; } }
"""


def page(
    title: str, subtitle: str, parts: Iterable[tuple[str, str]], scripts: Iterable[str] = ()
) -> str:
    """A whole document.

    Args:
        title: Text.
        subtitle: HTML below it.
        parts: Heading (text) and content (HTML) of each section; empty ones are left out.
        scripts: Digests of the scripts that run in the frames of figures; no others do.
    """
    policy = _POLICY + script_policy(scripts)
    chosen = [(heading, body) for heading, body in parts if body]
    links = "".join(f'<a href="#s{i}">{escape(h)}</a>' for i, (h, _) in enumerate(chosen))
    body = "".join(section(h, content, f"s{i}") for i, (h, content) in enumerate(chosen))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>"
        f"<header><h1>{escape(title)}</h1>{subtitle}<nav>{links}</nav></header>\n"
        f"{body}</body></html>\n"
    )


def section(heading: str, content: str, anchor: str) -> str:
    """A section with its heading."""
    return f'<section id="{anchor}"><h2>{escape(heading)}</h2>\n{content}</section>\n'


@dataclass(frozen=True)
class Cell:
    """Text with a class, such as a verdict."""

    text: str
    kind: str


def table(headings: Sequence[str], rows: Iterable[tuple[str, Sequence[str | Cell]]]) -> str:
    """A table that scrolls on a narrow screen; a cell's ``[interval]`` is set in grey.

    Args:
        headings: One per column.
        rows: Class of the row and its cells, all text.
    """
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(
        f'<tr class="{escape(kind)}">{"".join(map(_cell, cells))}</tr>\n' for kind, cells in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}</tbody></table></div>"
    )


def figure(drawing: StoredDrawing, folder: Path, base: Path) -> str:
    """A drawing inside the page, with links to the files beside it.

    Args:
        drawing: Which.
        folder: Where its files are.
        base: Folder of the page; links are relative to it.

    Raises:
        DataError: If its PNG, or its page, cannot be read.
    """
    image = base64.b64encode(_content(folder / f"{drawing.name}.png")).decode()
    place = folder.relative_to(base)
    kinds = ("html", "pdf", "csv") if drawing.script else ("pdf", "csv")
    links = ", ".join(
        f'<a href="{escape((place / f"{drawing.name}.{kind}").as_posix())}">{kind.upper()}</a>'
        for kind in kinds
    )
    caption = escape(drawing.caption)
    frame = ""
    if drawing.script:
        document = _content(folder / f"{drawing.name}.html").decode("utf-8", errors="replace")
        frame = framed(document, title=drawing.name, height=drawing.height)
    return (
        f'<figure><img src="data:image/png;base64,{image}" alt="{caption}">{frame}'
        f"<figcaption>{caption} ({links})</figcaption></figure>\n"
    )


def key_values(entries: Mapping[str, Any]) -> str:
    """A list of names and values; nested mappings get dotted names."""
    pairs = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in _flat(entries)
    )
    return f"<dl>{pairs}</dl>"


def code(text: str) -> str:
    """Text as it is."""
    return f"<pre>{escape(text)}</pre>"


def details(summary: str, content: str) -> str:
    """What a reader opens on demand; nothing where there is no content. Printed opened."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>" if content else ""


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError("cannot be read", where=str(path), remedy="evaluate again") from error


def _cell(cell: str | Cell) -> str:
    text, kind = (cell.text, cell.kind) if isinstance(cell, Cell) else (cell, "")
    begin = f'<td class="{escape(kind)}">' if kind else "<td>"
    value, bracket, rest = text.partition(" [")
    if bracket and rest.endswith("]"):
        return f'{begin}{escape(value)} <span class="interval">[{escape(rest)}</span></td>'
    return f"{begin}{escape(text)}</td>"


def _flat(entries: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in entries.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{name}", ", ".join(map(str, value)) or "none"
        else:
            yield f"{prefix}{name}", "none" if value is None else str(value)
