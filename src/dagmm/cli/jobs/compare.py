"""From a table in a file to a comparison of methods."""

from dataclasses import dataclass

from dagmm._core.errors import ArgumentError, DAGMMError
from dagmm.cli.jobs.images import is_images
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.jobs.tables import read_features
from dagmm.cli.terminal import errors_named, keep_interrupts
from dagmm.data.files.base import TableOptions
from dagmm.data.files.folder import Paths
from dagmm.data.files.write import check_target
from dagmm.evaluation.compare import chosen_methods, compare
from dagmm.evaluation.result import Comparison


@dataclass(frozen=True)
class CompareJob:
    """What a comparison needs to know.

    Parameters
    ----------
    table : str or tuple of str
        One path, or several.
    options : TableOptions
    roles : Roles
    methods : tuple of str
        Empty for the default ones; ``("all",)`` for all.
    train : {"normal", "all"}
    output : str or None
        Where to write the result.
    runs, max_rows, seed : int
    force, quiet : bool
    """

    table: Paths
    options: TableOptions
    roles: Roles
    methods: tuple[str, ...] = ()
    train: str = "normal"
    output: str | None = None
    runs: int = 3
    max_rows: int = 20_000
    seed: int = 0
    force: bool = False
    quiet: bool = False


def compare_table(job: CompareJob) -> Comparison:
    """Read, compare, and write where that is asked for.

    Raises
    ------
    DAGMMError, OSError
        Also if no method at all could be run.
    """
    keep_interrupts()
    methods = "all" if job.methods == ("all",) else list(job.methods) or None
    chosen_methods(methods)
    if is_images(job.table):
        raise ArgumentError(
            f"{job.table!r} holds images; compare takes tables, whose methods do not see images."
        )
    if job.output is not None:
        check_target(job.output, job.force)
    features, labels, name = read_features(job.table, job.options, job.roles, job.quiet)
    with errors_named(name):
        comparison = compare(
            features,
            labels,
            methods,
            train=job.train,
            n_runs=job.runs,
            max_rows=job.max_rows,
            random_state=job.seed,
            verbose=not job.quiet,
        )
    first = comparison.methods[0]
    if all(method.error for method in comparison.methods):
        raise DAGMMError(f"{name}: every method failed; {first.title}: {first.error}")
    if job.output is not None:
        comparison.write(job.output, force=job.force)
    return comparison
