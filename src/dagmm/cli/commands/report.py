"""``dagmm report``."""

from enum import StrEnum
from typing import Annotated

import typer

from dagmm._core.errors import ArgumentError
from dagmm.cli import options as o
from dagmm.cli.terminal import noted, show


class Language(StrEnum):
    """Languages of the page."""

    en = "en"
    ja = "ja"


@o.reads_tables
def report(
    model: Annotated[str, typer.Argument(help="Directory of a saved model, or fleet.")],
    table: o.Tables,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", help="File for the page; - for standard output.", metavar="OUT.html"
        ),
    ],
    lang: Annotated[Language, typer.Option(help="Language of the page.")] = Language.en,
    time: Annotated[
        str | None,
        typer.Option(
            help="Column that is the time axis; remembered from the fit, or the only column of "
            "dates, by default.",
            metavar="COLUMN",
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            help="Column that names the asset; remembered from the fit by default.",
            metavar="COLUMN",
        ),
    ] = None,
    label: o.Label = None,
    normal: o.Normal = None,
    every: Annotated[
        str | None,
        typer.Option(
            help="Time from one row to the next, such as 1s or '10 min', for alarms a day and a "
            "week; what the time axis says by default.",
            metavar="TIME",
        ),
    ] = None,
    gap: Annotated[
        int,
        typer.Option(help="Most normal rows between two alarms of one event.", min=0),
    ] = 10,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare/--no-compare",
            help="Run other methods on a sample of the rows, which takes about half a minute.",
        ),
    ] = True,
    reading: o.Reading = o.AS_FOUND,
    unseen: o.Unseen = None,
    force: o.Force = False,
    as_json: o.AsJSON = False,
    quiet: o.Quiet = False,
) -> None:
    """Write a page on a TABLE that anybody can read: what is strange, why, how far to trust it.

    One HTML file that loads nothing from anywhere. Of a fleet it lists the assets, the worst
    first. Needs the report extra.
    """
    from dagmm.cli.jobs.report import ReportJob, report_table
    from dagmm.cli.jobs.roles import Roles

    job = ReportJob(
        model,
        o.one_or_several(table),
        output,
        reading,
        Roles((), label, tuple(normal or ()), time=time, group=group),
        lang.value,
        every,
        gap,
        compare,
        force,
        quiet,
    )
    from dagmm.inference.fleet.directory import is_saved_fleet

    with noted(quiet):
        if is_saved_fleet(model):
            from dagmm.cli.jobs.fleet_report import report_fleet

            result = report_fleet(job, unseen and unseen.value)
        elif unseen is not None:
            raise ArgumentError(f"--unseen belongs to a fleet, and {model!r} is none.")
        else:
            result = report_table(job)
    # Where the page goes to standard output, what is said about it does not.
    if output != "-" or not quiet:
        show(result, as_json, err=output == "-")
