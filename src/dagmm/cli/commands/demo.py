"""``dagmm demo``."""

from typing import Annotated

import typer

from dagmm.cli import options as o


def demo(
    directory: Annotated[
        str, typer.Option(help="Where to put the files; those of a demo before are replaced.")
    ] = "dagmm-demo",
    seed: o.Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Fit and score a table that comes with scikit-learn, and show the strangest rows."""
    from dagmm.cli.jobs.demo import demonstrate

    demonstrate(directory, seed, quiet)
