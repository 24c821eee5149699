"""``dagmm export``."""

from typing import Annotated

import typer

from dagmm.cli import options as o
from dagmm.cli.terminal import show


def export(
    model: Annotated[str, typer.Argument(help="Directory of a saved model.")],
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", help="File for the graph; - for standard output.", metavar="OUT.onnx"
        ),
    ],
    force: o.Force = False,
    as_json: o.AsJSON = False,
) -> None:
    """Write a saved model as one graph of ONNX, which scores without this library.

    Its energies are compared with those of the library before it is written. Needs the onnx
    extra.
    """
    from dagmm.cli.jobs.export import export_model, in_words

    result = export_model(model, output, force)
    show(result if as_json else in_words(result), as_json, err=output == "-")
