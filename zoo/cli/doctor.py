"""``zoo doctor``: what is broken here, why, and what to do."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any, Literal

import typer

from zoo import __version__
from zoo.artifacts.environment import PACKAGES, cpu_flags, cpu_model, package_versions
from zoo.cli.options import JsonOption
from zoo.cli.output import emit, table, title
from zoo.contract.task import API_VERSION
from zoo.errors import UsageError
from zoo.registry import Plugin, Registry, registry
from zoo.weights.cache import this_cache
from zoo.weights.catalogue import read_cards

__all__ = ["Finding", "examine", "register"]

_FURTHER = ("torchvision", "timm", "segmentation-models-pytorch", "onnxscript", "typer", "pluggy")
_BROKEN = 3


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: What: a plugin, a package, a folder.
        status: ``broken`` ends the command with exit code 3; ``warning`` may matter.
        detail: What was found.
        remedy: What to do; empty if all is well.
    """

    subject: str
    status: Literal["ok", "warning", "broken"]
    detail: str
    remedy: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(as_json: JsonOption = False) -> None:
    """Look for what is broken: plugins, packages, folders. Exit code 3 if something is."""
    findings = list(examine(registry(), os.environ))
    broken = any(finding.status == "broken" for finding in findings)
    payload = {"broken": broken, "findings": [asdict(finding) for finding in findings]}
    emit(payload, as_json, _render)
    if broken:
        raise typer.Exit(_BROKEN)


def examine(found: Registry, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Everything that can be checked without importing torch or numpy."""
    for plugin in found.plugins:
        yield _plugin(plugin)
    for what, names in found.conflicts.items():
        yield Finding(
            subject=what,
            status="broken",
            detail=f"claimed by {' and '.join(names)}; nobody gets it",
            remedy="uninstall one, or restrict ZOO_PLUGINS",
        )
    if not found.plugins:
        yield _no_plugins(environ)
    yield Finding(
        subject="zoo",
        status="ok",
        detail=f"{__version__}, plugin API {_dotted(API_VERSION)}, "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}",
    )
    yield from _packages()
    yield from _torchvision()
    yield from _cards(found)
    yield from _caches(environ)
    yield _data(environ)
    yield Finding(subject="processor", status="ok", detail=_processor())


def _plugin(plugin: Plugin) -> Finding:
    origin = f"{plugin.distribution} {plugin.version}".strip()
    if plugin.error:
        return Finding(
            subject=f"plugin {plugin.name}",
            status="broken",
            detail=f"{plugin.error} ({plugin.value}, from {origin or 'no distribution'})",
            remedy=_remedy(plugin),
        )
    models = sum(len(task.models) for task in plugin.tasks.values())
    counted = f"{len(plugin.tasks)} tasks, {models} models"
    if plugin.loggers:
        counted += f", {len(plugin.loggers)} loggers"
    return Finding(
        subject=f"plugin {plugin.name}",
        status="ok",
        detail=f"{origin}, API {_dotted(plugin.api or API_VERSION)}, {counted}",
    )


def _remedy(plugin: Plugin) -> str:
    if plugin.error.startswith("ModuleNotFoundError"):
        return f"install what it needs: pip install --upgrade {plugin.distribution or plugin.name}"
    if "needs API" in plugin.error:
        return f"pip install --upgrade detector-zoo {plugin.distribution}".strip()
    last = [line.strip() for line in plugin.traceback.splitlines() if line.startswith("  File")]
    place = f"; it failed at {_without_folder(last[-1])}" if last else ""
    return f"tell its author{place}; ZOO_PLUGINS can leave it out"


def _without_folder(line: str) -> str:
    """``plugin.py line 3`` of a traceback's ``File "/long/plugin.py", line 3, in f``."""
    path, _, rest = line.removeprefix('File "').partition('"')
    return f"{Path(path).name}{rest.partition(', in ')[0].replace(',', '')}"


def _no_plugins(environ: Mapping[str, str]) -> Finding:
    if "ZOO_PLUGINS" in environ:
        remedy = f"ZOO_PLUGINS={environ['ZOO_PLUGINS']} leaves none; unset it"
    else:
        remedy = "pip install detector-zoo, or pip install -e . in a checkout"
    return Finding(subject="plugins", status="warning", detail="none are installed", remedy=remedy)


def _packages() -> Iterator[Finding]:
    """Versions, and those that our own requirements do not allow."""
    versions = package_versions((*PACKAGES, *_FURTHER))
    unmet = dict(_unmet_requirements())
    for name, version in versions.items():
        if name in unmet:
            continue
        yield Finding(subject=f"package {name}", status="ok", detail=version or "not installed")
    for name, wanted in unmet.items():
        yield Finding(
            subject=f"package {name}",
            status="broken",
            detail=f"{package_versions([name])[name] or 'not installed'}, needed: {wanted}",
            remedy=f"pip install '{wanted}'",
        )


def _unmet_requirements() -> Iterator[tuple[str, str]]:
    from packaging.requirements import Requirement

    try:
        listed = requires("detector-zoo") or []
    except PackageNotFoundError:  # a checkout that is not installed
        return
    for requirement in map(Requirement, listed):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        version = package_versions([requirement.name])[requirement.name]
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            yield requirement.name, str(requirement).partition(";")[0].strip()


def _torchvision() -> Iterator[Finding]:
    """The pair must match: an ill-matched torchvision fails on import, and timm with it."""
    from packaging.requirements import Requirement
    from packaging.version import Version

    versions = package_versions(("torch", "torchvision"))
    if versions["torch"] is None or versions["torchvision"] is None:
        return
    torch, torchvision = Version(versions["torch"]), Version(versions["torchvision"])
    wanted = [Requirement(text) for text in requires("torchvision") or []]
    pins = [item.specifier for item in wanted if item.name == "torch"]
    pair = f"torch {torch}, torchvision {torchvision}"
    if not all(pin.contains(torch.public, prereleases=True) for pin in pins):
        yield Finding(
            subject="torch and torchvision",
            status="broken",
            detail=f"{pair}: torchvision was built for torch{','.join(map(str, pins))}",
            remedy="install the pair together: pip install --upgrade torch torchvision",
        )
    elif torch.local != torchvision.local:
        yield Finding(
            subject="torch and torchvision",
            status="warning",
            detail=f"{pair}: from different indexes, torchvision may fail on import",
            remedy="install both from one index",
        )
    else:
        yield Finding(subject="torch and torchvision", status="ok", detail=f"{pair}: a pair")


def _cards(found: Registry) -> Iterator[Finding]:
    """Cards of weights and data: how many, and each that cannot be used."""
    catalogue = read_cards(found.plugins)
    for bad in catalogue.bad:
        yield Finding(
            subject=f"card {bad.where}", status="broken", detail=bad.message, remedy=bad.remedy
        )
    for card in catalogue.weights:
        if card.id not in found.models:
            yield Finding(
                subject=f"card {card.origin}",
                status="warning",
                detail=f"no installed plugin has the model {card.id}",
                remedy="install the plugin that brings it",
            )
    counted = f"{len(catalogue.weights)} of weights, {len(catalogue.data)} of data"
    yield Finding(subject="cards", status="ok", detail=counted)


def _caches(environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        cache = this_cache(environ)
    except UsageError as error:
        yield Finding(
            subject="cache", status="broken", detail=str(error.where), remedy=error.remedy
        )
        return
    yield _folder("cache", cache.own)
    for folder in cache.shared:
        there = folder.is_dir()
        yield Finding(
            subject="shared cache",
            status="ok" if there else "warning",
            detail=f"{folder}{'' if there else ' is no folder'}",
            remedy="" if there else "mount it, or correct ZOO_CACHE_RO",
        )
    if cache.offline:
        yield Finding(subject="network", status="ok", detail="ZOO_OFFLINE forbids it")


def _folder(name: str, folder: Path) -> Finding:
    existing = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    if existing.is_dir() and os.access(existing, os.W_OK):
        there = "" if folder.is_dir() else " (made on first use)"
        return Finding(subject=name, status="ok", detail=f"{folder}{there}")
    return Finding(
        subject=name,
        status="warning",
        detail=f"{folder} cannot be written",
        remedy="set ZOO_CACHE to a folder of yours; published weights are kept there",
    )


def _data(environ: Mapping[str, str]) -> Finding:
    folder = environ.get("DETECTOR_ZOO_DATA", "")
    if folder and not Path(folder).is_dir():
        return Finding(
            subject="data",
            status="warning",
            detail=f"DETECTOR_ZOO_DATA={folder} is no folder",
            remedy="point it to the real data, or unset it",
        )
    return Finding(
        subject="data", status="ok", detail=folder or "DETECTOR_ZOO_DATA is not set (tests only)"
    )


def _processor() -> str:
    flags = " ".join(cpu_flags()) or "no known vector instructions"
    gpu = "an NVIDIA driver" if Path("/proc/driver/nvidia/version").exists() else "no NVIDIA driver"
    return f"{cpu_model()}, {os.cpu_count()} threads, {flags}; {gpu}"


def _dotted(version: Iterable[int]) -> str:
    return ".".join(map(str, version))


def _render(payload: Mapping[str, Any]) -> str:
    order = ("ok", "warning", "broken")  # what matters stands last, above the prompt
    ranked = sorted(payload["findings"], key=lambda item: order.index(item["status"]))
    rows = [(item["status"], item["subject"], item["detail"]) for item in ranked]
    remedies = [f"{f['subject']}: {f['remedy']}" for f in payload["findings"] if f["remedy"]]
    parts = [table(("status", "subject", "found"), rows)]
    if remedies:
        parts.append(title("What to do") + "".join(f"\n- {remedy}" for remedy in remedies))
    return "\n\n".join(parts)
