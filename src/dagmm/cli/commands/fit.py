"""``dagmm fit``."""

from enum import StrEnum
from typing import Annotated

import typer

from dagmm._core.errors import ArgumentError
from dagmm.cli import options as o
from dagmm.cli.terminal import noted, show


class Network(StrEnum):
    """Kinds of compression networks."""

    dense = "dense"
    convolutional = "convolutional"


@o.reads_tables
def fit(
    table: o.Tables,
    output: Annotated[
        str, typer.Option("-o", "--output", help="Directory for the model.", metavar="MODEL")
    ],
    ids: o.Ids = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="Column to leave out. Repeatable.", metavar="COLUMN"),
    ] = None,
    label: o.Label = None,
    normal: o.Normal = None,
    train: Annotated[
        o.Train | None,
        typer.Option(
            help="With --label: fit to the rows that are labelled normal, or to all; to the "
            "normal ones by default where --normal says which they are.",
            show_default=False,
        ),
    ] = None,
    categorical: o.Categorical = None,
    numeric: o.Numeric = None,
    time: o.Times = None,
    group: o.Group = None,
    time_format: o.TimeFormat = None,
    per: Annotated[
        str | None,
        typer.Option(
            help="Column that names the asset: fits a model to each, a fleet.", metavar="COLUMN"
        ),
    ] = None,
    add: Annotated[
        bool, typer.Option("--add", help="With --per: adds new assets to the fleet.")
    ] = False,
    alone: Annotated[
        bool,
        typer.Option(
            "--alone",
            help="With --per: fits each asset as if there were no others, which takes longer.",
        ),
    ] = False,
    least_rows: Annotated[
        int | None,
        typer.Option(
            help="With --per: assets with fewer rows have no model of their own, and are scored "
            "by one of all; 100 by default.",
            min=2,
            show_default=False,
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            help="Score each row with the rows of its asset before it: 60s, '10 min', a number "
            "of rows, or auto, which leaves it to the rows; with --time.",
            metavar="LENGTH",
        ),
    ] = None,
    step: Annotated[
        int,
        typer.Option(help="With --window: every so many rows a window is trained on.", min=1),
    ] = 1,
    network: Annotated[
        Network,
        typer.Option(
            help="With --window: dense networks see level, spread, movement and last rows of each "
            "column, convolutional ones every row of the window.",
        ),
    ] = Network.dense,
    contamination: Annotated[
        float | None,
        typer.Option(
            help="Share of the training rows to be called anomalies, in (0, 0.5]; sets the "
            "threshold and nothing else. By default 0.01, with --window up to 0.05, of rows that "
            "were not fitted to.",
            metavar="SHARE",
        ),
    ] = None,
    members: Annotated[
        int | None,
        typer.Option(
            help="Number of networks; 4 by default, with --per 2.", min=1, show_default=False
        ),
    ] = None,
    seed: o.Seed = 0,
    max_seconds: Annotated[
        float | None,
        typer.Option(
            help="End the training before a cycle that would take longer; the model may then "
            "differ from machine to machine.",
            metavar="SECONDS",
        ),
    ] = None,
    trim: Annotated[
        float | None,
        typer.Option(
            help="Share of the rows, the strangest, that mixtures are not fitted to, below 0.5; "
            "0.2 where a tenth of the rows may be anomalies.",
            metavar="SHARE",
        ),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            help="Directory that keeps the training while it runs: the same command goes on from "
            "there after it was stopped, however it was. Deleted once the model is saved.",
            metavar="DIR",
        ),
    ] = None,
    reading: o.Reading = o.AS_FOUND,
    force: o.Force = False,
    as_json: o.AsJSON = False,
    quiet: o.Quiet = False,
) -> None:
    """Fit a model to a TABLE of mostly normal rows and save it."""
    from dagmm.cli.jobs.fit import FitJob, fit_table, forget_training
    from dagmm.cli.jobs.roles import Roles

    if time is not None and len(time) > 2:
        raise ArgumentError(
            f"--time takes one column, or those of date and time of day, got {len(time)}."
        )
    axis, clock = (*(time or ()), None, None)[:2]
    job = FitJob(
        o.one_or_several(table),
        output,
        reading,
        Roles(
            tuple(ids or ()),
            label,
            tuple(normal or ()),
            tuple(drop or ()),
            axis,
            group,
            tuple(categorical or ()),
            tuple(numeric or ()),
            time_format,
            clock,
        ),
        "auto" if contamination is None else contamination,
        members,
        seed,
        force,
        quiet,
        int(window) if window is not None and window.strip().isdecimal() else window,
        step,
        network.value,
        checkpoint,
        train and train.value,
        max_seconds,
        trim,
    )
    if per is None:
        for option, given in (("--add", add), ("--alone", alone), ("--least-rows", least_rows)):
            if given:
                raise ArgumentError(f"{option} belongs to --per, the column of the asset.")
    else:
        from dagmm.cli.jobs.fleet import LEAST_ROWS_OF_ASSET, fit_fleet

        with noted(quiet):
            least = LEAST_ROWS_OF_ASSET if least_rows is None else least_rows
            show(fit_fleet(job, per, add=add, alone=alone, least_rows=least), as_json)
        return
    with noted(quiet):
        result = fit_table(job)
    show(result, as_json)
    forget_training(job)
