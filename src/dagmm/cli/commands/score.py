"""``dagmm score``."""

from typing import Annotated

import typer

from dagmm._core.errors import ArgumentError
from dagmm.cli import options as o
from dagmm.cli.terminal import noted, show


@o.reads_tables
def score(
    model: Annotated[str, typer.Argument(help="Directory of a saved model, or fleet.")],
    table: o.Tables,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            help="File for the energies: Parquet by the suffix .parquet or .pq, Arrow by "
            ".feather, .arrow or .ipc, else CSV; - for standard output.",
            metavar="OUT",
        ),
    ],
    ids: o.Ids = None,
    label: o.Label = None,
    normal: o.Normal = None,
    reading: o.Reading = o.AS_FOUND,
    explain: o.Explain = 0,
    p_value: Annotated[
        bool,
        typer.Option(
            "--p-value",
            help="Add the share of normal rows that are expected to be at least as strange.",
        ),
    ] = False,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="Go on as the file grows, also when another takes its name; needs -o -.",
        ),
    ] = False,
    output_encoding: o.OutputEncoding = None,
    unseen: o.Unseen = None,
    force: o.Force = False,
    as_json: o.AsJSON = False,
    quiet: o.Quiet = False,
) -> None:
    """Write the energy of each row of a TABLE: higher is stranger.

    Identifiers, label, what is normal, time and group are remembered from the fit.
    """
    from dagmm.cli.jobs.roles import Roles
    from dagmm.cli.jobs.score import ScoreJob, score_table

    job = ScoreJob(
        model,
        o.one_or_several(table),
        output,
        reading,
        Roles(tuple(ids or ()), label, tuple(normal or ())),
        force,
        quiet,
        p_value,
        explain,
        output_encoding,
        follow,
    )
    from dagmm.inference.fleet.directory import is_saved_fleet

    with noted(quiet):
        if is_saved_fleet(model):
            from dagmm.cli.jobs.fleet import score_with_fleet

            result = score_with_fleet(job, unseen and unseen.value)
        elif unseen is not None:
            raise ArgumentError(f"--unseen belongs to a fleet, and {model!r} is none.")
        else:
            result = score_table(job)
    # Where the table goes to standard output, what is said about it does not.
    if output != "-" or not quiet:
        show(result, as_json, err=output == "-")
