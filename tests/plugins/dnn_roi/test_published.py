"""The published values that reports of DNN-ROI show."""

from __future__ import annotations

from zoo.report.published import published_values


def test_they_are_those_of_talk_and_paper() -> None:
    values = published_values("dnn-roi")
    assert {value.source for value in values} == {"DNN-ROI talk", "Yu et al., arXiv:2007.12743"}
    losses = [value.value for value in values if value.number == "final loss"]
    assert losses == ["0.029", "0.029", "0.044", "0.072", "0.0299, 0.0245"]
    for value in values:
        # What was read off a figure by eye says so.
        assert ("read off a figure" in value.value) == ("2007.12743" in value.source)
