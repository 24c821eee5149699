"""``dagmm info``."""

from typing import Annotated

import typer

from dagmm.cli import options as o
from dagmm.cli.terminal import show


def info(
    model: Annotated[str, typer.Argument(help="Directory of a saved model.")],
    as_json: o.AsJSON = False,
) -> None:
    """Say what a saved model is and whether its training can be trusted."""
    from dagmm.cli.jobs.info import describe, in_words

    description = describe(model)
    show(description if as_json else in_words(description), as_json)
