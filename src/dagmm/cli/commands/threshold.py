"""``dagmm threshold``."""

from enum import StrEnum
from typing import Annotated

import typer

from dagmm.cli import options as o
from dagmm.cli.terminal import noted, show


class Period(StrEnum):
    """What alarms are counted in."""

    hour = "hour"
    day = "day"
    week = "week"
    month = "month"
    year = "year"


@o.reads_tables
def threshold(
    model: Annotated[
        str, typer.Argument(help="Directory of a saved model of DAGMMDetector, or of a fleet.")
    ],
    contamination: Annotated[
        float | None,
        typer.Option(help="Share of the training rows above it, in (0, 0.5].", metavar="SHARE"),
    ] = None,
    quantile: Annotated[
        float | None,
        typer.Option(help="Share of normal rows below it, in (0, 1).", metavar="SHARE"),
    ] = None,
    alarms: Annotated[
        float | None,
        typer.Option(help="False alarms, at most; with --every.", metavar="NUMBER"),
    ] = None,
    per: Annotated[
        Period, typer.Option(help="What --alarms are counted in; a month has 30 days.")
    ] = Period.week,
    every: Annotated[
        str | None,
        typer.Option(help="Time from one row to the next: 1s, '10 min', 1h.", metavar="TIME"),
    ] = None,
    per_event: Annotated[
        bool,
        typer.Option(
            "--per-event", help="Count alarms that follow each other as one of the --alarms."
        ),
    ] = False,
    energy: Annotated[
        float | None, typer.Option(help="The threshold itself, in nats.", metavar="NATS")
    ] = None,
    k_of_n: Annotated[
        str | None,
        typer.Option(
            "--k-of-n",
            help="An alarm needs so many of the last rows above it: 3/5; 5/5 is a least duration "
            "of five rows.",
            metavar="K/N",
        ),
    ] = None,
    hysteresis: Annotated[
        float,
        typer.Option(help="An alarm ends so far below the threshold.", metavar="NATS"),
    ] = 0.0,
    hold: Annotated[int, typer.Option(help="Rows that an alarm lasts at least.")] = 1,
    smoothing: Annotated[
        float | None,
        typer.Option(
            help="Weight, in (0, 1), of the newest energy in an exponentially weighted moving "
            "average (EWMA), which is compared with the threshold instead of single energies.",
            metavar="WEIGHT",
        ),
    ] = None,
    calibrate: Annotated[
        str | None,
        typer.Option(
            help="Table of normal rows that the model was not fitted to; their energies are kept "
            "in the model and take the place of those known before.",
            metavar="TABLE",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="With --calibrate: column that tells anomalies (not 0), which are left out; "
            "remembered from the fit by default.",
            metavar="COLUMN",
        ),
    ] = None,
    normal: o.Normal = None,
    reading: o.Reading = o.AS_FOUND,
    as_json: o.AsJSON = False,
    quiet: o.Quiet = False,
) -> None:
    """Move the threshold of a saved model, or say where it is and what it means.

    Nothing is fitted again, and the training table is not needed.
    """
    from dagmm.cli.jobs.roles import Roles
    from dagmm.cli.jobs.threshold import ThresholdJob, in_words, move_threshold
    from dagmm.inference.calibration.alarm_rule import AlarmRule

    rule = {
        "contamination": contamination,
        "quantile": quantile,
        "alarms": alarms,
        "energy": energy,
    }
    job = ThresholdJob(
        model,
        {name: value for name, value in rule.items() if value is not None},
        per.value,
        every,
        per_event,
        AlarmRule.of(pair_of(k_of_n), hysteresis, hold, smoothing),
        calibrate,
        reading,
        Roles(label=label, normal=tuple(normal or ())),
        quiet,
    )
    from dagmm.inference.fleet.directory import is_saved_fleet

    with noted(quiet):
        if is_saved_fleet(model):
            from dagmm.cli.jobs.fleet import move_thresholds

            show(move_thresholds(job), as_json)
            return
        meaning = move_threshold(job)
    show(meaning if as_json else in_words(meaning), as_json)


def pair_of(text: str | None) -> object:
    """Return the two numbers of ``3/5``; the text itself where it is none, to be refused."""
    parts = (text or "").split("/")
    if len(parts) == 2 and all(part.strip().isdecimal() for part in parts):
        return tuple(int(part) for part in parts)
    return text
