"""Several methods on the same rows: what ``dagmm.compare`` does."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.utils import check_random_state

from dagmm._core.arguments import check_choice, check_int
from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.progress import Progress, progress_for
from dagmm._core.ranks import rank_correlation
from dagmm._core.wording import named
from dagmm.data.base import CHUNK_ROWS
from dagmm.data.convert import as_rows
from dagmm.estimators.detector import DAGMMDetector
from dagmm.evaluation.baselines.method import Method
from dagmm.evaluation.baselines.registry import FIELD, METHODS
from dagmm.evaluation.metrics import mean_over, n_top_of, overlap_of, quality_of, stability_of
from dagmm.evaluation.notes import notes_of
from dagmm.evaluation.result import Comparison, MethodResult
from dagmm.evaluation.split import RUN_SHARE, Split, Table, check_labels, draw_run, split_rows
from dagmm.preprocessing.sampling import encode_rows
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.training.presets.tables import SCALING


def dagmm(table: Any, seed: int) -> Callable[[Any], np.ndarray]:
    """``DAGMMDetector()`` on the table as it is."""
    return DAGMMDetector(random_state=seed).fit(table).energy


DAGMM = Method("dagmm", "DAGMM", dagmm, "Zong et al., ICLR 2018", sees_table=True)
#: Everything that can be asked for by name.
KNOWN: dict[str, Method] = {DAGMM.name: DAGMM} | METHODS


def compare(
    table: Any,
    labels: Any = None,
    methods: str | Sequence[str | Method] | None = None,
    *,
    train: str = "normal",
    n_runs: int = 3,
    max_rows: int = 20_000,
    random_state: Any = 0,
    verbose: int = 0,
) -> Comparison:
    """Run other methods beside DAGMM on the same rows of a table.

    Half of the rows are set aside at random as test rows, which no method learns from. Each run
    draws four fifths of the other half, fits every method on them with the run's seed, and scores
    the same test rows. ``DAGMMDetector()`` sees the table as it is; the other methods see it
    encoded (numbers scaled, text as categories) by the rows of the run. Nothing is tuned.

    With labels: AUROC, average precision, and F1 where as many rows are called anomalies as there
    are. With or without: how alike the methods order the test rows (agreement, overlap of the
    strangest rows), how alike one method's runs order them (stability), and time. Agreement is no
    proof of being right.

    Parameters
    ----------
    table : DataFrame or array-like of shape (n_rows, n_columns)
    labels : array-like of shape (n_rows,) or str, optional
        1 or True for an anomaly, 0 or False for a normal row; or the name of the column of
        ``table`` that says so, which is then left out. Labels measure; they take part in a fit
        only by what ``train`` says.
    methods : sequence of str or Method, or "all", optional
        Names of :data:`dagmm.evaluation.baselines.registry.METHODS` or ``"dagmm"``, or methods
        of one's own. By default DAGMM and what the field knows; ``"all"`` adds the variants of
        the paper.
    train : {"normal", "all"}, default="normal"
        Whether, with labels, to learn from normal rows only (all anomalies are then test rows),
        or from rows as they come.
    n_runs : int, default=3
    max_rows : int, default=20_000
        Most rows to learn from and most rows to score; of more, so many are drawn at random.
    random_state : int, RandomState instance or None, default=0
        The one source of chance.
    verbose : int, default=0
        Whether to show progress on standard error, where it is a terminal.

    Returns
    -------
    Comparison
        A method that fails is in it with its error, and the others go on.

    Raises
    ------
    ArgumentError
        If a method is not known or another argument cannot be used.
    InputError
        If the table or the labels cannot be used, or there are too few rows.

    Examples
    --------
    >>> import numpy as np
    >>> import dagmm
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> x[::20] += 6.0
    >>> labels = np.arange(200) % 20 == 0
    >>> result = dagmm.compare(x, labels, ["mahalanobis", "knn"])
    >>> result["mahalanobis"].mean("auroc") > 0.95
    True
    """
    chosen = chosen_methods(methods)
    check_choice("train", train, ("normal", "all"))
    check_int("n_runs", n_runs, 1)
    check_int("max_rows", max_rows, 20)
    seed = int(check_random_state(random_state).randint(2**31))
    whole, anomalous = _checked(table, labels)
    normal_only = anomalous is not None and train == "normal"
    split = split_rows(
        whole.n_rows,
        anomalous,
        normal_only=normal_only,
        max_rows=max_rows,
        rng=np.random.default_rng(seed),
    )
    # Says what is wrong with a column by the numbers of the whole table's rows.
    n_features = fit_table_encoder(whole.rows(), SCALING).n_features
    truth = None if anomalous is None else anomalous[split.test]
    with progress_for(verbose) as progress:
        results = _run_all(whole, split, truth, chosen, n_runs, seed, progress)
    protocol = {
        "rows": whole.n_rows,
        "features": n_features,
        "train_rows": len(split.train),
        "test_rows": len(split.test),
        "test_anomalies": None if truth is None else int(truth.sum()),
        "learnt_from": "normal rows" if normal_only else "all rows",
        "rows_per_run": round(RUN_SHARE * len(split.train)),
        "runs": n_runs,
        "seed": seed,
    }
    return _together(results, protocol, truth, split)


def chosen_methods(methods: str | Sequence[str | Method] | None) -> tuple[Method, ...]:
    """Return the methods that names stand for.

    Raises
    ------
    ArgumentError
        If a name is not known, comes twice, or there is none.
    """
    if methods is None:
        return (DAGMM, *FIELD.values())
    if isinstance(methods, str):
        methods = list(KNOWN) if methods == "all" else [methods]
    found: list[Method] = []
    for method in methods:
        if not isinstance(method, Method):
            check_choice("methods", method, tuple(KNOWN))
            method = KNOWN[method]
        if method.name in (other.name for other in found):
            raise ArgumentError(f"{named('methods')} holds {method.name!r} twice; give it once.")
        found.append(method)
    if not found:
        raise ArgumentError(f"{named('methods')} must hold at least one method, got none.")
    return tuple(found)


def _checked(table: Any, labels: Any) -> tuple[Table, np.ndarray | None]:
    """Return the table without its labels, and which rows are anomalies."""
    whole = Table(table)
    if labels is None:
        return whole, None
    values = whole.pop(labels) if isinstance(labels, str) else labels
    anomalous = check_labels(values, whole.n_rows)
    twin = whole.column_equal_to(anomalous)
    if twin is not None and anomalous.any():
        raise InputError(
            f"column {twin!r} holds the labels themselves, which no method may see; leave it out, "
            f"or pass labels={twin!r}."
        )
    return whole, anomalous


def _run_all(
    table: Table,
    split: Split,
    truth: np.ndarray | None,
    methods: tuple[Method, ...],
    n_runs: int,
    seed: int,
    progress: Progress,
) -> list[MethodResult]:
    """Fit and score every method in every run."""
    results = [MethodResult(method.name, method.title, method.source) for method in methods]
    progress.phase("comparing", n_runs * len(methods))
    for run in range(n_runs):
        rng = np.random.default_rng([seed, run])
        train = table.take(draw_run(split.train, rng))
        views = {True: (train, table.take(split.test))}
        views[False] = _encoded(*views[True])
        method_seed = int(rng.integers(2**31))
        for i, method in enumerate(methods):
            progress.advance(run * len(methods) + i, method.title)
            if results[i].error is None:
                results[i] = _with_run(
                    results[i], method, *views[method.sees_table], truth, method_seed
                )
    progress.advance(n_runs * len(methods))
    return results


def _encoded(train: Any, test: Any) -> tuple[np.ndarray, np.ndarray]:
    """Encode both tables by the training rows."""
    rows = as_rows(train), as_rows(test)
    encoder = fit_table_encoder(rows[0], SCALING)
    features = [encode_rows(one, encoder)[: one.n_rows].astype(np.float64) for one in rows]
    return features[0], features[1]


def _with_run(
    result: MethodResult,
    method: Method,
    train: Any,
    test: Any,
    truth: np.ndarray | None,
    seed: int,
) -> MethodResult:
    """Add one run to what a method did before, or the reason why it failed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            strangeness, seconds = timed(method, train, test, seed)
        # Whatever stops one method is for the table to say; the others go on.
        except Exception as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            return replace(result, error=reason, strangeness=None, runs=())
    said = tuple(dict.fromkeys([*result.warnings, *(str(one.message) for one in caught)]))
    quality: dict[str, float | None] = dict.fromkeys(("auroc", "average_precision", "f1"))
    if truth is not None:
        quality = quality_of(strangeness, truth)
    rows = strangeness[None]
    if result.strangeness is not None:
        rows = np.concatenate([result.strangeness, rows])
    run = quality | dict(zip(("fit_seconds", "score_seconds"), seconds, strict=True))
    return replace(result, runs=(*result.runs, run), strangeness=rows, warnings=said)


def timed(
    method: Method, train: Any, test: Any, seed: int
) -> tuple[np.ndarray, tuple[float, float]]:
    """Fit and score, and say how long each took.

    Parameters
    ----------
    method : Method
    train, test : table, or ndarray of shape (n_rows, n_features)
        As the method wants them.
    seed : int

    Returns
    -------
    strangeness : ndarray of shape (n_test,)
    seconds : tuple of float
        Of fitting and of scoring.

    Raises
    ------
    InputError
        If what comes back is not one finite number for each row.
    """
    began = time.perf_counter()
    score = method.fit(train, seed)
    fitted = time.perf_counter()
    if method.sees_table:
        strangeness = np.asarray(score(test), np.float64)
    else:  # in parts, so that memory stays bounded
        parts = [score(test[i : i + CHUNK_ROWS]) for i in range(0, len(test), CHUNK_ROWS)]
        strangeness = np.concatenate([np.asarray(part, np.float64) for part in parts])
    scored = time.perf_counter()
    if strangeness.shape != (len(test),):
        raise InputError(
            f"{method.name} returned an array of shape {strangeness.shape} for {len(test)} rows."
        )
    n_bad = int((~np.isfinite(strangeness)).sum())
    if n_bad:
        raise InputError(
            f"{method.name} is not finite on {n_bad} of {len(test)} test rows; their values may "
            "be too large for it."
        )
    return strangeness, (fitted - began, scored - fitted)


def _together(
    results: list[MethodResult], protocol: dict[str, Any], truth: np.ndarray | None, split: Split
) -> Comparison:
    """Add what only several runs and several methods can say."""
    scored = {r.name: r.strangeness for r in results if r.strangeness is not None}
    # Runs may differ in scale; their orders of the rows do not.
    rank = {name: rankdata(runs, axis=1).mean(axis=0) for name, runs in scored.items()}
    n_top = n_top_of(len(split.test), truth)
    correlation = {a: {b: rank_correlation(rank[a], rank[b]) for b in rank} for a in rank}
    overlap = {a: {b: overlap_of(rank[a], rank[b], n_top) for b in rank} for a in rank}
    finished = tuple(
        replace(
            result,
            stability=stability_of(scored[result.name]),
            agreement=_mean_with_others(correlation, result.name),
            overlap=_mean_with_others(overlap, result.name),
        )
        if result.name in scored
        else result
        for result in results
    )
    protocol = {**protocol, "top_rows": n_top}
    notes = notes_of(finished, protocol)
    return Comparison(finished, protocol, notes, correlation, overlap, split.test)


def _mean_with_others(matrix: dict[str, dict[str, float]], name: str) -> float | None:
    return mean_over([value for other, value in matrix[name].items() if other != name])
