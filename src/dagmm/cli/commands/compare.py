"""``dagmm compare``."""

from typing import Annotated

import typer

from dagmm.cli import options as o
from dagmm.cli.terminal import noted, show_rich


@o.reads_tables
def compare(
    table: o.Tables,
    label: Annotated[
        str | None,
        typer.Option(
            help="Column that tells anomalies (not 0): seen by no method, used to say how good "
            "each one is.",
            metavar="COLUMN",
        ),
    ] = None,
    normal: o.Normal = None,
    ids: Annotated[
        list[str] | None,
        typer.Option(
            "--id", help="Column that identifies rows: left out. Repeatable.", metavar="COLUMN"
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="Column to leave out. Repeatable.", metavar="COLUMN"),
    ] = None,
    categorical: o.Categorical = None,
    numeric: o.Numeric = None,
    time: Annotated[
        str | None,
        typer.Option(help="Column that is the time axis: left out.", metavar="COLUMN"),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(help="Column that names the asset: left out.", metavar="COLUMN"),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Methods, separated by commas: dagmm, mahalanobis, one_class_svm, "
            "gaussian_mixture, lof, isolation_forest, knn, pca, autoencoder, gan (the default), "
            "and the paper's variants pae, pae_gmm_em, pae_gmm, gmm_en, dagmm_p, dagmm_single; "
            "or all.",
            metavar="NAMES",
        ),
    ] = None,
    train: Annotated[
        o.Train,
        typer.Option(help="Where labels are known: learn from normal rows only, or from all."),
    ] = o.Train.normal,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            help="File for the result: .json for everything; the table alone as Parquet by the "
            "suffix .parquet or .pq, else CSV.",
            metavar="OUT",
        ),
    ] = None,
    runs: Annotated[int, typer.Option(help="Fits of each method.", min=1)] = 3,
    max_rows: Annotated[
        int,
        typer.Option(help="Most rows to learn from, and most to score; drawn at random.", min=20),
    ] = 20_000,
    seed: o.Seed = 0,
    reading: o.Reading = o.AS_FOUND,
    force: o.Force = False,
    as_json: o.AsJSON = False,
    quiet: o.Quiet = False,
) -> None:
    """Run the methods that the field knows beside DAGMM on a TABLE.

    Half of the rows are held out: no method learns from them, all score them. With --label: how
    well each method finds the anomalies. Without: how alike the methods are, how stable, how
    fast.
    """
    from dagmm.cli.jobs.compare import CompareJob, compare_table
    from dagmm.cli.jobs.roles import Roles

    job = CompareJob(
        o.one_or_several(table),
        reading,
        Roles(
            tuple(ids or ()),
            label,
            tuple(normal or ()),
            tuple(drop or ()),
            time,
            group,
            tuple(categorical or ()),
            tuple(numeric or ()),
        ),
        tuple(name.strip() for name in methods.split(",")) if methods is not None else (),
        train.value,
        output,
        runs,
        max_rows,
        seed,
        force,
        quiet,
    )
    with noted(quiet):
        result = compare_table(job)
    show_rich(result, as_json, err=output == "-")
