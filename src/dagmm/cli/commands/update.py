"""``dagmm update``."""

from typing import Annotated

import typer

from dagmm.cli import options as o
from dagmm.cli.terminal import noted, show


@o.reads_tables
def update(
    model: Annotated[str, typer.Argument(help="Directory of a saved model of DAGMMDetector.")],
    table: Annotated[
        list[str] | None,
        typer.Argument(
            help="Table of new normal rows, or several files as one; - for standard input; none "
            "to name and tag the model only."
        ),
    ] = None,
    keep: Annotated[
        float,
        typer.Option(help="What an old row counts beside a new one, in (0, 1].", metavar="SHARE"),
    ] = 1.0,
    name: Annotated[
        str | None, typer.Option(help="What the model is called.", metavar="NAME")
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(help="Hang a tag on the model. Repeatable.", metavar="KEY=VALUE"),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="Column that tells anomalies (not 0), which are left out; remembered from the "
            "fit by default.",
            metavar="COLUMN",
        ),
    ] = None,
    normal: o.Normal = None,
    reading: o.Reading = o.AS_FOUND,
    as_json: o.AsJSON = False,
    quiet: o.Quiet = False,
) -> None:
    """Bring mixtures, scale of energies and threshold of a saved model up to date.

    Its networks stay as they are. The model is changed in one step.
    """
    from dagmm.cli.jobs.roles import Roles
    from dagmm.cli.jobs.update import UpdateJob, in_words, update_model

    pairs = [one.partition("=") for one in tag or ()]
    for key, sign, value in pairs:
        if not (key and sign and value):
            raise typer.BadParameter(f"--tag must be KEY=VALUE, got {key + sign + value!r}.")
    job = UpdateJob(
        model,
        o.one_or_several(table) if table else None,
        reading,
        Roles(label=label, normal=tuple(normal or ())),
        keep,
        name,
        {key: value for key, _, value in pairs},
        quiet,
    )
    with noted(quiet):
        changed = update_model(job)
    show(changed if as_json else in_words(changed), as_json)
