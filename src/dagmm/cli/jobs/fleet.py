"""Fleets on the command line: fitted to a table, scored, told about, thresholds moved."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dagmm._core.arguments import near
from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.wording import given
from dagmm.cli.jobs.fit import FitJob, check_writable
from dagmm.cli.jobs.images import is_images
from dagmm.cli.jobs.labels import normal_rows, quality_of
from dagmm.cli.jobs.reading import as_at_fit, remembered
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.jobs.score import Counted, ScoreJob, roles_of, write_results
from dagmm.cli.jobs.tables import open_features
from dagmm.cli.jobs.threshold import ThresholdJob
from dagmm.cli.terminal import errors_named, keep_interrupts, log
from dagmm.data.files.base import Kind, TableFile
from dagmm.data.files.open import open_table
from dagmm.data.files.write import check_target
from dagmm.data.images import ImageRows
from dagmm.estimators.arguments import plain_argument
from dagmm.estimators.fleet import DAGMMFleet
from dagmm.estimators.fleet_base import moved
from dagmm.inference.calibration.alarm_rule import PLAIN
from dagmm.inference.calibration.threshold_rules import check_contamination
from dagmm.inference.fleet.batches import ROWS_AT_ONCE, FleetScorer, together
from dagmm.inference.fleet.directory import (
    FleetManifest,
    is_saved_fleet,
    model_path,
    read_manifest,
    write_manifest,
)
from dagmm.inference.fleet.fitted_fleet import FittedFleet
from dagmm.inference.persistence.directory import is_free
from dagmm.inference.tables import kinds_of
from dagmm.training.config import ConfigOptions, called
from dagmm.training.presets.networks import FLEET_MEMBERS

#: Assets with fewer rows have no model of their own, where nothing else is said.
LEAST_ROWS_OF_ASSET = 100
#: Assets that are listed by name.
_LISTED = 10


def fit_fleet(job: FitJob, per: str, *, add: bool, alone: bool, least_rows: int) -> dict[str, Any]:
    """Read a table and fit a model to each of its assets, or add new assets to a fleet.

    Parameters
    ----------
    job : FitJob
    per : str
        The column of the asset.
    add : bool
        Whether the fleet is there, and gets more assets.
    alone : bool
        Whether each asset is fitted as if there were no others.
    least_rows : int
        Assets with fewer rows have no model of their own.

    Returns
    -------
    dict
        What to tell the user, as plain data.

    Raises
    ------
    DAGMMError, OSError
    """
    began = time.perf_counter()
    keep_interrupts()
    _check_fit(job)
    fleet = _fleet_of(job, per, alone, least_rows)
    if add:
        wanted, fleet = fleet, DAGMMFleet.load(job.model)
        if fleet.per != per:
            raise ArgumentError(
                f"--per {per!r}: the fleet in {job.model!r} has a model for each {fleet.per!r}."
            )
        _check_same(fleet, wanted, job)
        fleet.verbose = not job.quiet
    else:
        _check_directory(fleet, job)
    check_writable(job.model)
    features, labels, name = open_features(job.table, job.options, job.roles, job.quiet)
    if labels is not None and job.only_normal:
        fitted, name = normal_rows(features, labels, name, "fitted to", job.quiet)
        assert not isinstance(fitted, ImageRows), "a table has rows"
        features = fitted
    fleet._said = {"roles": job.roles.for_asset(per), "reading": remembered(job.options)}
    with errors_named(name):
        if add:
            fleet.add(features)
            fleet.save(job.model)
        else:
            fleet.fit(features, checkpoint=job.model)
    quality: dict[str, Any] = {}
    if labels is not None and not job.only_normal and labels.any() and not labels.all():
        quality = quality_of(fleet.energy(features), labels)
    return {
        "fleet": job.model,
        "per": per,
        **_assets(fleet.fleet_),
        **quality,
        "seconds": round(time.perf_counter() - began, 1),
    }


def _fleet_of(job: FitJob, per: str, alone: bool, least_rows: int) -> DAGMMFleet:
    return DAGMMFleet(
        per,
        job.contamination,
        FLEET_MEMBERS if job.members is None else job.members,
        job.seed,
        **{name: value for name, value in job.roles.arguments.items() if name != "group"},
        window=job.window,
        step=job.step,
        network=job.network,
        config=job.config,
        least_rows=least_rows,
        together=not alone,
        verbose=not job.quiet,
    )


def _check_same(fleet: DAGMMFleet, wanted: DAGMMFleet, job: FitJob) -> None:
    """Check that what is said of assets that are added is what was said of the others."""
    plain = FitJob(job.table, job.model, job.options, Roles(), quiet=job.quiet)
    unsaid, known, said = (
        {name: plain_argument(name, value) for name, value in one.get_params().items()}
        for one in (
            _fleet_of(plain, wanted.per, alone=False, least_rows=LEAST_ROWS_OF_ASSET),
            fleet,
            wanted,
        )
    )
    for name, value in said.items():
        if name == "config" and value and value.items() <= (known[name] or {}).items():
            continue  # the fleet was told more beside
        if value not in (unsaid[name], known[name]):
            others = "without it" if known[name] is None else f"with {_said(name, known[name])}"
            raise ArgumentError(
                f"{_said(name, value)}: with --add assets are fitted as the others of the fleet "
                f"in {job.model!r}, {others}. Leave it out, or fit another fleet."
            )


def _said(name: str, value: Any) -> str:
    if name == "config":
        return " ".join(f"{called(option)} {one!r}" for option, one in value.items())
    return given(name, value)


def _check_fit(job: FitJob) -> None:
    check_contamination(job.contamination)
    ConfigOptions.of(job.config)
    if job.checkpoint is not None:
        raise ArgumentError(
            "--checkpoint belongs to the fit of one model; a fleet keeps what is finished in its "
            "own folder, and goes on there when the same command is given again."
        )
    if job.roles.group is not None:
        raise ArgumentError("--group and --per both name the asset of a row; give --per alone.")
    if is_images(job.table):
        raise ArgumentError("--per needs a table; images have no column that names an asset.")
    if job.train == "normal" and job.roles.label is None:
        raise ArgumentError("--train normal needs --label, the column that tells anomalies.")


def _check_directory(fleet: DAGMMFleet, job: FitJob) -> None:
    """Check where the fleet is to be: nowhere yet, where it was stopped, or with ``--force``."""
    path = Path(job.model)
    if path.exists() and not path.is_dir():
        raise ArgumentError(f"{job.model!r} is a file; a fleet is a directory.")
    if is_saved_fleet(path):
        if read_manifest(path).is_whole and not job.force:
            raise ArgumentError(
                f"{job.model!r} holds a fleet already; choose another directory, add new assets "
                "with --add, or add --force."
            )
        if job.force:
            write_manifest(path, FleetManifest(fleet.per, fleet._plain_arguments()))
    elif path.is_dir() and not is_free(path):
        raise ArgumentError(
            f"{job.model!r} holds files that are not a saved fleet; choose another directory."
        )


def _assets(fleet: FittedFleet) -> dict[str, Any]:
    by_all = [name for name in fleet.assets if not fleet.is_own(name)]
    return {
        "assets": len(fleet.assets),
        "rows": sum(asset.n_rows for asset in fleet.assets.values()),
        "by_model_of_all": len(by_all),
        **({"without_own_model": by_all[:_LISTED]} if by_all else {}),
    }


def describe_fleet(path: str) -> dict[str, Any]:
    """Return what a saved fleet holds, as plain data.

    Raises
    ------
    ModelFileError
        If it, or the model of an asset, cannot be read.
    """
    fleet = DAGMMFleet.load(path).fleet_
    assets = []
    for name, asset in fleet.assets.items():
        model = fleet.model_of(name)
        said: dict[str, Any] = {"asset": name, "rows": asset.n_rows}
        if asset.why_not:
            said["why_not_own"] = asset.why_not
        else:
            said["folder"] = str(model_path(path, name))
        assets.append(said | {"threshold": model.threshold, "verdict": model.record.verdict})
    return {"fleet": path, "per": fleet.per, **_assets(fleet), "models": assets}


def fleet_in_words(description: dict[str, Any]) -> dict[str, Any]:
    """Return a description of a fleet with few lines for many assets."""
    words = {name: value for name, value in description.items() if name != "models"}
    models = description["models"]
    thresholds = [one["threshold"] for one in models]
    low, middle, high = np.percentile(thresholds, [0, 50, 100])
    verdicts = Counter(line for one in models for line in one["verdict"])
    return {
        **words,
        "thresholds": f"{low:.3g} to {high:.3g}, median {middle:.3g}",
        "models": [one["folder"] for one in models if "folder" in one][:_LISTED],
        "verdict": [f"{n} x {line}" for line, n in verdicts.most_common(_LISTED)],
    }


def score_with_fleet(job: ScoreJob, unseen: str | None) -> dict[str, Any]:
    """Read, score and write, many rows at a time.

    Returns
    -------
    dict
        What to tell the user, as plain data.

    Raises
    ------
    DAGMMError, OSError
    """
    began = time.perf_counter()
    keep_interrupts()
    check_target(job.output, job.force, job.output_encoding)
    if is_images(job.table):
        raise ArgumentError(
            f"{job.model!r} is a fleet, which scores tables; {job.table!r} holds images."
        )
    if job.follow:
        raise ArgumentError("--follow takes one model; give the folder of an asset's.")
    saved = DAGMMFleet.load(job.model)
    fleet, unseen = saved.fleet_, unseen or saved.unseen
    told = FleetScorer(fleet, unseen, p_value=job.p_value, explain=job.explain)
    with open_table(job.table, as_at_fit(job.options, fleet.of_all.record)) as source:
        roles = roles_of(job.roles, fleet.of_all, source, told.names_written, job.quiet)
        scorer = told.passing(roles.passed)
        counted = Counted(roles, source.name, "rows")
        by_asset: Counter[str] = Counter()

        def scored() -> Iterator[pa.Table]:
            start = 0
            batches = batches_of_fleet(saved, source, [*roles.passed, fleet.per], job.quiet)
            for table in together(batches, ROWS_AT_ONCE):
                with errors_named(source.name):
                    found = scorer.score(table, start)
                strange = table[fleet.per].filter(found["is_anomaly"])
                by_asset.update(strange.cast(pa.string()).to_pylist())
                start += table.num_rows
                yield found

        write_results(job, scored(), counted)
    return {
        "output": "standard output" if job.output == "-" else job.output,
        **counted.summary(None),
        "anomalies": counted.anomalies,
        "most_anomalies": [f"{name} ({n})" for name, n in by_asset.most_common(5)],
        "seconds": round(time.perf_counter() - began, 1),
    }


def batches_of_fleet(
    fleet: DAGMMFleet, source: TableFile, passed: list[str], quiet: bool
) -> Iterator[pa.Table]:
    """Read the columns of all models, and those that pass through.

    Raises
    ------
    InputError
        If the column of the asset is missing, or a row of units says another unit than at the
        fit; while batches are read, if rows cannot be.
    """
    per = fleet.fleet_.per
    if per not in source.columns:
        raise InputError(
            f"{source.name} has no column {per!r}, which names the asset of a row. "
            f"{near(per, source.columns)}"
        )
    names = [name for name in fleet._feature_names if name in source.columns]
    kinds: dict[str, Kind] = dict.fromkeys([*names, *passed], "other")
    encoder = fleet.fleet_.of_all.table_encoder
    kinds |= kinds_of(encoder)
    with errors_named(source.name):
        encoder.check_units(source.style)
    log(f"scoring {source.name} ({source.description})", quiet)
    for _, table in source.batches(kinds):
        yield table


def move_thresholds(job: ThresholdJob) -> dict[str, Any]:
    """Move the thresholds of all assets where asked, and say where they are.

    Returns
    -------
    dict
        What to tell the user, as plain data.

    Raises
    ------
    DAGMMError, OSError
    """
    keep_interrupts()
    if job.calibrate is not None or job.roles.label is not None:
        raise ArgumentError(
            "--calibrate takes one model; give the folder of an asset's, which dagmm info --json "
            "lists."
        )
    if job.alarm_rule != PLAIN:
        raise ArgumentError(
            "fleets follow no alarm logic (--k-of-n, --hysteresis, --hold, --smoothing); set it "
            "for the model of an asset, whose folder dagmm info --json lists."
        )
    saved = DAGMMFleet.load(job.model)
    texts: list[str] = []
    if job.moves:
        check_writable(job.model)
        rule = {**job.rule, "per": job.per, "every": job.every, "per_event": job.per_event}
        saved.fleet_, texts = moved(saved.fleet_, rule)
        saved.save(job.model)
    fleet = saved.fleet_
    decisions = [fleet.model_of(name).decision for name in fleet.assets]
    energies = [one.energy for one in decisions if one is not None]
    low, middle, high = np.percentile(energies, [0, 50, 100])
    return {
        "fleet": job.model,
        "assets": len(fleet.assets),
        "rules": sorted({one.rule for one in decisions if one is not None}),
        "lowest": float(low),
        "median": float(middle),
        "highest": float(high),
        "warnings": texts,
    }
