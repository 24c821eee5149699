"""What each part of the detector's config gains and costs, on the tables and splits of tables.py.

Every variant is ``DAGMMDetector()`` with one part changed; nothing else differs, seeds and splits
included. Differences are of each variant to the first, a table being one pair, whose seeds are
averaged first. ``DATA`` is a folder of ``*.npz`` files as tables.py takes it, and ``--half``,
``--contaminate`` and the like mean what ``splits.py`` says.

    python benchmarks/ablation.py --data DATA --seeds 1 --out ablation-semi.json
    python benchmarks/ablation.py --data OVRBENCH --half 0 --contaminate 0.05 --out half-0.json
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from dagmm._core.progress import Progress
from dagmm.data.convert import as_rows
from dagmm.mixture.density import DensityConfig
from dagmm.networks.network import Architecture
from dagmm.training.config import DetectorConfig
from dagmm.training.fit import fit_model
from dagmm.training.prepare import DataConfig
from dagmm.training.presets import SCALING, table_config
from fits import Fit, Fits, print_differences, run_fits
from splits import Protocol, add_arguments

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


def one_fit(variant: str, path: Path, protocol: Protocol, seed: int) -> Fit:
    """AUROC and average precision of one variant on one split."""
    rows = protocol.split(path, seed)
    n = len(VARIANTS[variant](table_config(2, (1,), 4)).architectures)

    def preset(n_rows: int, shape: tuple[int, ...]) -> DetectorConfig:
        return VARIANTS[variant](table_config(n_rows, shape, 4))

    # As DAGMMDetector does, whose energies the first row of the table has to give again.
    fit_seed = int(np.random.RandomState(seed).randint(2**31))
    data = DataConfig(SCALING, holds_out=True)
    model, _ = fit_model(as_rows(rows.train), data, preset, n, fit_seed, Progress())
    energy = model.energy(rows.test)
    return {
        "auroc": float(roc_auc_score(rows.anomaly, energy)),
        "ap": float(average_precision_score(rows.anomaly, energy)),
        "n_rows": len(rows.train),
        "n_columns": rows.train.shape[1],
    }


def print_means(fits: Fits, variants: list[str]) -> None:
    """Print each variant's means over tables and seeds."""
    print(f"{'variant':<26}{'AUROC':>8}{'AP':>8}")
    for variant in variants:
        means = (100.0 * fits.means(variant, measure).mean() for measure in ("auroc", "ap"))
        print(f"{variant:<26}" + "".join(f"{mean:>8.2f}" for mean in means))


def _variants(named: str | None) -> list[str]:
    variants = list(VARIANTS) if named is None else named.split(",")
    unknown = [variant for variant in variants if variant not in VARIANTS]
    if unknown:
        raise SystemExit(f"no variant {unknown[0]!r}; there are: {', '.join(VARIANTS)}")
    return variants


def main() -> None:
    """Run what is not in the results yet and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_arguments(parser, seeds=1)
    parser.add_argument("--variants", help="names, separated by commas; all by default")
    arguments = parser.parse_args()
    variants = _variants(arguments.variants)
    fits = run_fits(one_fit, variants, arguments)
    print_means(fits, variants)
    if len(variants) > 1:
        print(f"\neach variant less {variants[0]}")
        print_differences(fits, {variant: (variant, variants[0]) for variant in variants[1:]})


if __name__ == "__main__":
    main()
