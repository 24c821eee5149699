"""``dagmm info``."""

from typing import Annotated

import typer

from dagmm.cli import options as o
from dagmm.cli.terminal import show


def info(
    model: Annotated[str, typer.Argument(help="Directory of a saved model, or fleet.")],
    as_json: o.AsJSON = False,
) -> None:
    """Say what a saved model or fleet is and whether its training can be trusted."""
    from dagmm.cli.jobs.info import describe, in_words
    from dagmm.inference.fleet.directory import is_saved_fleet

    if is_saved_fleet(model):
        from dagmm.cli.jobs.fleet import describe_fleet, fleet_in_words

        fleet = describe_fleet(model)
        show(fleet if as_json else fleet_in_words(fleet), as_json)
        return
    description = describe(model)
    show(description if as_json else in_words(description), as_json)
