"""``dagmm serve``."""

from typing import Annotated

import typer

from dagmm.cli import options as o


def serve(
    model: Annotated[str, typer.Argument(help="Directory of a saved model.")],
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; by default this machine alone reaches it.", metavar="HOST"
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 for any that is free.", min=0, max=65535)
    ] = 8000,
    name: Annotated[
        str | None,
        typer.Option(
            help="What the model is called in addresses; the name of its directory by default.",
            metavar="NAME",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that answer.", min=1, max=256)] = 1,
    threads: Annotated[
        int | None,
        typer.Option(
            help="Requests that a process scores at once; its share of the cores by default.",
            min=1,
            max=1024,
            show_default=False,
        ),
    ] = None,
    queue: Annotated[
        int,
        typer.Option(
            help="Requests that may wait in a process; more are answered 503.",
            min=0,
            max=100_000,
        ),
    ] = 64,
    max_body: Annotated[
        int, typer.Option(help="Megabytes of a request, at most.", min=1, max=2048)
    ] = 16,
    max_rows: Annotated[
        int, typer.Option(help="Rows of a request, at most.", min=1, max=100_000_000)
    ] = 100_000,
    max_columns: Annotated[
        int, typer.Option(help="Columns of a request, at most.", min=1, max=1_000_000)
    ] = 10_000,
    timeout: Annotated[
        float, typer.Option(help="Seconds until a request has its answer.", min=0.1, max=3600.0)
    ] = 30.0,
    token_file: Annotated[
        str | None,
        typer.Option(
            help="File that holds the token which requests must bear; by default the variable "
            "DAGMM_SERVE_TOKEN, if it is set.",
            metavar="FILE",
        ),
    ] = None,
    reload: Annotated[
        bool,
        typer.Option(
            "--reload/--no-reload",
            help="Whether a model that is saved in the same directory takes this one's place.",
        ),
    ] = True,
    quiet: o.Quiet = False,
) -> None:
    """Serve a saved model over HTTP, until Ctrl-C or SIGTERM.

    Speaks the Open Inference Protocol (/v2), takes plain JSON, CSV and Arrow (/score, /explain),
    has metrics for Prometheus (/metrics) and a page for people (/). Needs the serve extra.
    """
    from dagmm.cli.jobs.serve import ServeJob, serve_model

    serve_model(
        ServeJob(
            model,
            host,
            port,
            name,
            workers,
            threads,
            queue,
            max_body,
            max_rows,
            max_columns,
            timeout,
            token_file,
            1.0 if reload else None,
            quiet,
        )
    )
