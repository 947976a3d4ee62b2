"""R10: the exported file is the model."""

from __future__ import annotations

from importlib.util import find_spec

from zoo.testing.rule import BlockedError, NotApplicable, Violation
from zoo.testing.subjects import ModelSubject

__all__ = ["available_formats", "exported"]

_PACKAGES = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "pt2": (), "ts": ()}


def exported(subject: ModelSubject) -> str:
    """Export a trained model to every format that is declared and whose packages are there."""
    if subject.deploy is None:
        raise NotApplicable("its plugin does not say what to deploy")
    formats, absent = available_formats(subject)
    failed = []
    for name in formats:
        try:
            subject.export(name)
        except BlockedError as error:
            if error.rule != "R10":
                raise
            failed.append(f"{name}: {getattr(error.cause, 'message', error.cause)}")
    if failed:
        raise Violation(
            "; ".join(failed),
            "use operations that the format knows, or leave it out of `formats` of the check file",
        )
    if not formats:
        raise NotApplicable("; ".join(absent))
    return "; ".join([", ".join(formats), *absent])


def available_formats(subject: ModelSubject) -> tuple[list[str], list[str]]:
    """Declared formats whose packages are installed, and what is told of the others."""
    formats: list[str] = []
    absent: list[str] = []
    for name in subject.declared.formats:
        missing = [package for package in _PACKAGES[name] if find_spec(package) is None]
        if missing:
            absent.append(f"{name} is not available: install {', '.join(missing)}")
        else:
            formats.append(name)
    return formats, absent
