"""What each part of the detector's config gains and costs, on the sets and splits of adbench.py.

Every row of the table is ``DAGMMDetector()`` with one part changed; nothing else differs, seeds
and splits included. ``DATA`` is a folder of ``*.npz`` files as adbench.py takes it.

    python benchmarks/ablation.py --data DATA --seeds 1 --out ablation-semi.json
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from adbench import load, split
from common import ProgressLine, mean_and_spread, read_json, run_jobs, write_json
from dagmm._core.progress import Progress
from dagmm.data.convert import as_rows
from dagmm.mixture.density import DensityConfig
from dagmm.networks.network import Architecture
from dagmm.training.config import DetectorConfig
from dagmm.training.fit import fit_model
from dagmm.training.prepare import DataConfig
from dagmm.training.presets import SCALING, table_config

Change = Callable[[DetectorConfig], DetectorConfig]


def networks(**changes: object) -> Change:
    """Give every network other attributes."""

    def change(config: DetectorConfig) -> DetectorConfig:
        changed: list[Architecture] = [
            replace(architecture, **changes)  # type: ignore[arg-type]
            for architecture in config.architectures
        ]
        return replace(config, architectures=tuple(changed))

    return change


def narrower(n_code: int) -> Change:
    """Every network's code at most so wide."""

    def change(config: DetectorConfig) -> DetectorConfig:
        architecture = config.architectures[0]
        hiddens = (*architecture.comp_hiddens[:-1], min(n_code, architecture.n_features))
        return networks(comp_hiddens=hiddens)(config)

    return change


def training(**changes: float) -> Change:
    """Train in another way."""
    return lambda config: replace(config, training=replace(config.training, **changes))  # type: ignore[arg-type]


def density(kind: str, **options: object) -> Change:
    """Give every density of a kind other options."""

    def changed(densities: tuple[DensityConfig, ...]) -> tuple[DensityConfig, ...]:
        return tuple(
            replace(one, options={**one.options, **options}) if one.density.kind == kind else one
            for one in densities
        )

    return lambda config: replace(
        config,
        latent_densities=tuple(map(changed, config.latent_densities)),
        input_densities=changed(config.input_densities),
    )


def without(kind: str) -> Change:
    """Leave out every density of a kind."""

    def kept(densities: tuple[DensityConfig, ...]) -> tuple[DensityConfig, ...]:
        return tuple(one for one in densities if one.density.kind != kind)

    return lambda config: replace(
        config,
        latent_densities=tuple(map(kept, config.latent_densities)),
        input_densities=kept(config.input_densities),
    )


def n_networks(n: int) -> Change:
    """So many networks, each with a seed of its own; densities are taken in turn."""

    def change(config: DetectorConfig) -> DetectorConfig:
        latent = config.latent_densities
        return replace(
            config,
            architectures=(config.architectures[0],) * n,
            latent_densities=tuple(latent[i % len(latent)] for i in range(n)),
        )

    return change


VARIANTS: dict[str, Change] = {
    "default": lambda config: config,
    "one network": n_networks(1),
    "eight networks": n_networks(8),
    "no feature masking": networks(mask_ratio=0.0),
    "code of 8": narrower(8),
    "residuals of the paper": networks(residuals=("relative_distance", "cosine_similarity")),
    "floor 0.001 for all": density("latent_mixture", relative_floor=1e-3),
    "floor 0.1 for all": density("latent_mixture", relative_floor=1e-1),
    "small components live": density("latent_mixture", least_phi=0.0),
    "components under 2 % die": density("latent_mixture", least_phi=0.02),
    "no refinement": density("latent_mixture", candidates=()),
    "no kernel densities": without("kernel_density"),
    "no latent mixture": without("latent_mixture"),
    "no marginal mixtures": without("marginal_mixtures"),
    "no input-space mixture": without("input_mixture"),
    "long training": training(epochs=20, learning_rate=1e-3),
    "weights of the paper": training(lambda1=0.1, lambda2=0.005),
    "energy not trained": training(lambda1=0.0, lambda2=0.0),
}


def one_fit(variant: str, path: Path, setting: str, seed: int) -> dict[str, float]:
    """AUROC and average precision of one variant on one split."""
    x, x_test, anomaly = split(*load(path), setting, seed)

    n = len(VARIANTS[variant](table_config(2, (1,), 4)).architectures)

    def preset(n_rows: int, shape: tuple[int, ...]) -> DetectorConfig:
        return VARIANTS[variant](table_config(n_rows, shape, 4))

    # As DAGMMDetector does, whose energies the first row of the table has to give again.
    fit_seed = int(np.random.RandomState(seed).randint(2**31))
    data = DataConfig(SCALING, holds_out=True)
    model, _ = fit_model(as_rows(x), data, preset, n, fit_seed, Progress())
    energy = model.energy(x_test)
    return {
        "auroc": float(roc_auc_score(anomaly, energy)),
        "ap": float(average_precision_score(anomaly, energy)),
    }


def print_table(
    results: dict[str, dict[str, float]], jobs: list[tuple[str, Path, str, int]]
) -> None:
    """Print means over sets and seeds, and the difference from the default."""

    def mean(variant: str, measure: str) -> float:
        values = [results[_key(*job)][measure] for job in jobs if job[0] == variant]
        return 100.0 * mean_and_spread(values)[0]

    variants = list(dict.fromkeys(job[0] for job in jobs))
    print(f"{'variant':<26}{'AUROC':>8}{'change':>8}{'AP':>8}{'change':>8}")
    for variant in variants:
        cells = []
        for measure in ("auroc", "ap"):
            value = mean(variant, measure)
            cells.append(f"{value:>8.2f}{value - mean(variants[0], measure):>+8.2f}")
        print(f"{variant:<26}{''.join(cells)}")


def _key(variant: str, path: Path, setting: str, seed: int) -> str:
    return f"{setting} {variant} {path.stem} {seed}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of .npz files")
    parser.add_argument("--setting", choices=("semi", "unsup"), default="semi")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, ...")
    parser.add_argument("--variants", help="names, separated by commas; all by default")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=2, help="fits at once")
    return parser.parse_args()


def main() -> None:
    """Run what is not in the results yet and print the table."""
    arguments = _arguments()
    paths = sorted(arguments.data.glob("*.npz"))
    if not paths:
        raise SystemExit(f"no file *.npz in {arguments.data}")
    variants = list(VARIANTS) if arguments.variants is None else arguments.variants.split(",")
    unknown = [variant for variant in variants if variant not in VARIANTS]
    if unknown:
        raise SystemExit(f"no variant {unknown[0]!r}; there are: {', '.join(VARIANTS)}")
    jobs = [
        (variant, path, arguments.setting, seed)
        for seed in range(arguments.seeds)
        for path in paths
        for variant in variants
    ]
    results = read_json(arguments.out, {})
    left = [job for job in jobs if _key(*job) not in results]
    progress = ProgressLine(len(left))
    for job, fit in run_jobs(one_fit, left, arguments.processes):
        results[_key(*job)] = fit
        write_json(arguments.out, results)
        progress.step(f"{job[1].stem} {job[0]} seed {job[3]}: AUROC {fit['auroc']:.3f}")
    print_table(results, jobs)


if __name__ == "__main__":
    main()
