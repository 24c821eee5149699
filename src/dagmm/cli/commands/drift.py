"""``dagmm drift``."""

from typing import Annotated

import typer

from dagmm.cli import options as o
from dagmm.cli.terminal import DRIFTED, noted, show


@o.reads_tables
def drift(
    model: Annotated[str, typer.Argument(help="Directory of a saved model.")],
    table: o.Tables,
    alpha: Annotated[
        float, typer.Option(help="Chance of a false alarm, in (0, 1).", metavar="SHARE")
    ] = 0.01,
    reading: o.Reading = o.AS_FOUND,
    as_json: o.AsJSON = False,
    quiet: o.Quiet = False,
) -> None:
    """Say whether the rows of a TABLE, in their order, have left what a model knows.

    Ends with exit code 0 where they have not, 3 where they have.
    """
    from dagmm.cli.jobs.drift import DriftJob, in_words, tell_drift

    job = DriftJob(
        model,
        o.one_or_several(table),
        reading,
        alpha,
        quiet,
    )
    with noted(quiet):
        found = tell_drift(job)
    show(found if as_json else in_words(found), as_json)
    if found["has_drifted"]:
        raise typer.Exit(DRIFTED)
