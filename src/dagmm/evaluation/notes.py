"""What a reader of a comparison has to know, in sentences."""

from collections.abc import Sequence
from typing import Any

from dagmm.evaluation.result import MethodResult

#: A figure from fewer anomalies than this is rough.
FEW_ANOMALIES = 10
#: Characters of a warning that are shown.
_SHOWN = 120


def notes_of(results: Sequence[MethodResult], protocol: dict[str, Any]) -> tuple[str, ...]:
    """Say how the figures came about, and where not to lean on them.

    Parameters
    ----------
    results : sequence of MethodResult
    protocol : dict
        See :class:`dagmm.evaluation.result.Comparison`.

    Returns
    -------
    tuple of str
    """
    notes = [_protocol(protocol), _labels(protocol)]
    used = protocol["train_rows"] + protocol["test_rows"]
    if used < protocol["rows"]:
        notes.append(f"{used} of {protocol['rows']} rows were used, drawn at random (max_rows).")
    if protocol["rows_per_run"] <= protocol["features"]:
        notes.append(
            f"{protocol['rows_per_run']} rows to learn from are few for {protocol['features']} "
            "features: covariances are singular, and the Mahalanobis distance sees only "
            "directions in which the rows it learnt from vary."
        )
    notes += [f"{result.title} failed: {result.error}" for result in results if result.error]
    for result in results:
        for warning in result.warnings:
            text = " ".join(warning.split())
            shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
            notes.append(f"{result.title} warned: {shown}")
    return tuple(notes)


def _protocol(protocol: dict[str, Any]) -> str:
    runs = "1 run" if protocol["runs"] == 1 else f"{protocol['runs']} runs"
    return (
        f"{runs} of {protocol['rows_per_run']} rows each, drawn from {protocol['train_rows']} "
        f"({protocol['learnt_from']}); all score the same {protocol['test_rows']} other rows. "
        "Nothing was tuned."
    )


def _labels(protocol: dict[str, Any]) -> str:
    anomalies, rows = protocol["test_anomalies"], protocol["test_rows"]
    if anomalies is None:
        return (
            "Without labels nothing says which method is right: agreement and overlap (of the "
            f"{protocol['top_rows']} strangest rows) say how alike methods are, stability how "
            "little a method depends on the rows it learnt from."
        )
    if anomalies in (0, rows):
        kind = "normal" if anomalies == 0 else "anomalies"
        return (
            f"Labels call all {rows} test rows {kind}, so they cannot say how well anomalies are "
            "found."
        )
    rough = ": so few that the figures are rough" if anomalies < FEW_ANOMALIES else ""
    return f"{anomalies} of the test rows are labelled anomalies{rough}."
