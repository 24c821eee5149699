"""``dagmm select``."""

from typing import Annotated

import typer

from dagmm.cli import options as o
from dagmm.cli.terminal import noted, show


@o.reads_tables
def select(
    model: Annotated[str, typer.Argument(help="Directory of a saved model.")],
    table: o.Tables,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            help="File for the rows selected: Parquet by the suffix .parquet or .pq, Arrow by "
            ".feather, .arrow or .ipc, else CSV; - for standard output.",
            metavar="OUT",
        ),
    ],
    fdr: Annotated[
        float,
        typer.Option(
            help="Share of normal rows among those selected that is expected at most, in (0, 1).",
            metavar="SHARE",
        ),
    ] = 0.1,
    ids: o.Ids = None,
    label: o.Label = None,
    normal: o.Normal = None,
    reading: o.Reading = o.AS_FOUND,
    output_encoding: o.OutputEncoding = None,
    force: o.Force = False,
    as_json: o.AsJSON = False,
    quiet: o.Quiet = False,
) -> None:
    """Write the rows of a TABLE that can be called anomalies at a false discovery rate.

    Identifiers, label, time and group are remembered from the fit.
    """
    from dagmm.cli.jobs.roles import Roles
    from dagmm.cli.jobs.select import SelectJob, select_rows

    job = SelectJob(
        model,
        o.one_or_several(table),
        output,
        reading,
        Roles(tuple(ids or ()), label, tuple(normal or ())),
        fdr,
        force,
        quiet,
        output_encoding,
    )
    with noted(quiet):
        result = select_rows(job)
    # Where the table goes to standard output, what is said about it does not.
    if output != "-" or not quiet:
        show(result, as_json, err=output == "-")
