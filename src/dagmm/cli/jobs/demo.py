"""The whole job on data that is always at hand."""

import shlex
from pathlib import Path

import pyarrow as pa
import typer

from dagmm.cli.jobs.fit import FitJob, check_directory, fit_table
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.jobs.score import ScoreJob, score_table
from dagmm.cli.terminal import table
from dagmm.data.files.base import TableOptions
from dagmm.data.files.open import open_table
from dagmm.data.files.write import open_sink
from dagmm.datasets import breast_cancer, split_normal

_STRANGEST = 10
_ROLES = Roles(ids=("id",), label="label", normal=("benign",))


def demonstrate(directory: str, seed: int, quiet: bool) -> None:
    """Write the tables, fit, score, and print the result.

    Raises
    ------
    DAGMMError, OSError
    """
    home = Path(directory)
    train, test, model, scores = (
        str(home / name) for name in ("train.csv", "test.csv", "model", "scores.csv")
    )
    check_directory(model, force=True)
    home.mkdir(parents=True, exist_ok=True)
    data = breast_cancer()
    parts = split_normal(data, "label", "benign", seed)
    for path, part in zip((train, test), parts, strict=True):
        with open_sink(path, part.schema, force=True) as sink:
            sink.write(part)
    typer.echo(
        f"Breast tumours, {data.num_columns - 2} measurements each: {parts[0].num_rows} benign "
        f"ones to train on, {parts[1].num_rows} others, benign and malignant, to test on."
    )
    fitted = fit_table(
        FitJob(train, model, TableOptions(), _ROLES, seed=seed, force=True, quiet=quiet)
    )
    scored = score_table(ScoreJob(model, test, scores, TableOptions(), Roles(), True, quiet))
    typer.echo(f"\nFitted in {fitted['seconds']} s:")
    for sentence in fitted["verdict"]:
        typer.echo(f"  {sentence}")
    typer.echo(f"\nThe {_STRANGEST} strangest rows of {scored['rows']}:\n\n{_strangest(scores)}")
    typer.echo(
        f"\nHow good the order is: AUROC {scored['auroc']:.3f}, average precision "
        f"{scored['average_precision']:.3f} (labels took no part in the fit)."
    )
    typer.echo(
        f"{scored['anomalies']} rows are above the threshold of {scored['threshold']:.4g}; "
        f"{scored['labelled_anomalies']} are malignant."
    )
    typer.echo("\nFiles:\n" + "\n".join(f"  {path}" for path in (train, test, model, scores)))
    typer.echo(f"\nThe same by hand:\n{_by_hand(train, test, model, scores, seed)}")


def _strangest(scores: str) -> str:
    with open_table(scores) as source:
        result: pa.Table = source.read(source.columns)
    top = result.sort_by([("energy", "descending")]).slice(0, _STRANGEST)
    rows = [("id", "energy", "label")]
    rows += [(row["id"], f"{row['energy']:.1f}", row["label"]) for row in top.to_pylist()]
    return table(rows)


def _by_hand(train: str, test: str, model: str, scores: str, seed: int) -> str:
    fit = ["dagmm", "fit", train, "-o", model, "--id", "id", "--label", "label"]
    fit += ["--normal", "benign", "--seed", str(seed), "--force"]
    score = ["dagmm", "score", model, test, "-o", scores, "--force"]
    return "\n".join(f"  {shlex.join(command)}" for command in (fit, score))
