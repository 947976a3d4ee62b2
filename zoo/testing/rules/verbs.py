"""R18: every verb on simulated samples."""

from __future__ import annotations

from zoo.bench import Options, bench
from zoo.data.splits import SPLIT_SEED, choose_split
from zoo.evaluation import evaluate, write_results
from zoo.prediction.writing import predict_file
from zoo.report import draw_figures, write_report
from zoo.testing.rule import Violation
from zoo.testing.rules.exporting import available_formats
from zoo.testing.subjects import ModelSubject

__all__ = ["verbs"]

_RESAMPLES = 10


def verbs(subject: ModelSubject) -> str:
    """Train, evaluate with figures and a report, predict, measure and export one model."""
    if subject.spec.networks is None:
        subject.predictor  # noqa: B018  # says what the samples lack
        done = [_eval(subject, subject.name), _predict(subject)]
    else:
        run = str(subject.run.path)
        done = ["train", _eval(subject, run), _predict(subject), _bench(run), _export(subject)]
    return ", ".join(word for word in done if word)


def _eval(subject: ModelSubject, ref: str) -> str:
    results = evaluate([ref], subject.data, split="test", resamples=_RESAMPLES)
    mine = results.evaluations[ref]
    if mine.unavailable:
        raise Violation(f"eval: {mine.unavailable}")
    folder = subject.folder / "eval"
    write_results(results, folder)
    draw_figures(results, folder)
    write_report(folder)
    return "eval, report"


def _predict(subject: ModelSubject) -> str:
    source, data = subject.source, subject.data
    blocks = choose_split(source.blocks(), "test", data.validation, data.test, SPLIT_SEED)
    out = subject.folder / "predictions.h5"
    out.unlink(missing_ok=True)
    predict_file(subject.of.task, subject.predictor, source, blocks, out)
    return "predict"


def _bench(run: str) -> str:
    measured = bench([run], options=Options(repeats=1), processes=1)
    for row in measured.rows:
        if row.reason:
            raise Violation(f"bench: {row.reason}")
    return "bench"


def _export(subject: ModelSubject) -> str:
    formats, _ = available_formats(subject)
    if subject.deploy is None or not formats:
        return ""
    subject.export(formats[0])
    return "export"
