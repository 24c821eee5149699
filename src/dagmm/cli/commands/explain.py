"""``dagmm explain``."""

from typing import Annotated

import typer

from dagmm._core.errors import ArgumentError
from dagmm.cli import options as o
from dagmm.cli.terminal import noted, show


@o.reads_tables
def explain(
    model: Annotated[str, typer.Argument(help="Directory of a saved model, or fleet.")],
    table: o.Tables,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            help="File for the explanations: Parquet by the suffix .parquet or .pq, Arrow by "
            ".feather, .arrow or .ipc, else CSV; - for standard output.",
            metavar="OUT",
        ),
    ],
    top: Annotated[
        int, typer.Option(help="Columns to name for each row, at most.", min=1, max=100)
    ] = 3,
    all_rows: Annotated[
        bool, typer.Option("--all", help="Explain every row, not only anomalies.")
    ] = False,
    ids: o.Ids = None,
    label: o.Label = None,
    normal: o.Normal = None,
    reading: o.Reading = o.AS_FOUND,
    output_encoding: o.OutputEncoding = None,
    unseen: o.Unseen = None,
    force: o.Force = False,
    as_json: o.AsJSON = False,
    quiet: o.Quiet = False,
) -> None:
    """Write which columns make the anomalies of a TABLE strange, and what was expected there.

    One line for each anomaly, with its row number from 0 on. The contributions of all columns add
    up to energy - reference_energy, in nats; the reference is the nearest normal row.
    """
    from dagmm.cli.jobs.explain import ExplainJob, explain_table
    from dagmm.cli.jobs.roles import Roles

    job = ExplainJob(
        model,
        o.one_or_several(table),
        output,
        reading,
        Roles(tuple(ids or ()), label, tuple(normal or ())),
        top,
        all_rows,
        force,
        quiet,
        output_encoding,
    )
    from dagmm.inference.fleet.directory import is_saved_fleet

    with noted(quiet):
        if is_saved_fleet(model):
            from dagmm.cli.jobs.fleet_explain import explain_with_fleet

            result = explain_with_fleet(job, unseen and unseen.value)
        elif unseen is not None:
            raise ArgumentError(f"--unseen belongs to a fleet, and {model!r} is none.")
        else:
            result = explain_table(job)
    # Where the table goes to standard output, what is said about it does not.
    if output != "-" or not quiet:
        show(result, as_json, err=output == "-")
