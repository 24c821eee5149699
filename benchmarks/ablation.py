"""What each part of the default gains and costs, on the tables and splits of tables.py.

Every variant is ``DAGMMDetector()`` with one part changed, or with some of its parts alone;
nothing else differs, seeds and splits included. Differences are of each variant to the first, a
table being one pair, whose seeds are averaged first. ``DATA`` is a folder of ``*.npz`` files as
tables.py takes it, and ``--half``, ``--contaminate`` and the like mean what ``splits.py`` says.

    python benchmarks/ablation.py --data DATA --seeds 1 --out ablation-semi.json
    python benchmarks/ablation.py --data OVRBENCH --half 0 --contaminate 0.05 --out half-0.json
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from dagmm._core.progress import Progress
from dagmm.data.convert import as_rows
from dagmm.inference.ensemble import Component, TrainedNetwork
from dagmm.inference.fitted_model import FittedModel
from dagmm.mixture.latent import LatentMixture
from dagmm.networks.network import Architecture
from dagmm.training.config import DetectorConfig
from dagmm.training.fit import fit_model
from dagmm.training.prepare import DataConfig
from dagmm.training.presets.tables import SCALING, table_config
from fits import Fit, Fits, print_differences, run_fits
from splits import Protocol, Split, add_arguments

#: Changes the config of a fit.
Change = Callable[[DetectorConfig], DetectorConfig]
#: Says whether a component takes part in the energy.
Keep = Callable[[Component], bool]


@dataclass(frozen=True)
class Variant:
    """What differs from the default: how it is fitted, and which of its parts score."""

    change: Change = lambda config: config
    keep: Keep = lambda component: True


def networks(**changes: object) -> Variant:
    """Give every network other attributes."""

    def change(config: DetectorConfig) -> DetectorConfig:
        changed: list[Architecture] = [
            replace(architecture, **changes)  # type: ignore[arg-type]
            for architecture in config.architectures
        ]
        return replace(config, architectures=tuple(changed))

    return Variant(change)


def training(**changes: float) -> Variant:
    """Train in another way."""
    return Variant(
        lambda config: replace(config, training=replace(config.training, **changes))  # type: ignore[arg-type]
    )


def densities_of_z(config: DetectorConfig) -> DetectorConfig:
    """Give networks mixtures of the paper's z instead of whole rows."""
    (whole,) = config.latent_densities[0]
    of_z = replace(whole, density=LatentMixture, options={**whole.options, "relative_floor": 1e-3})
    return replace(
        networks(whole_row=False).change(config),
        latent_densities=tuple(
            (replace(of_z, weight=one.weight),) for (one,) in config.latent_densities
        ),
    )


def is_network(component: Component) -> bool:
    """Whether a network made what the component sees."""
    return isinstance(component.transform, TrainedNetwork)


def sees_values(component: Component) -> bool:
    """Whether the component sees rows as they are encoded."""
    return component.transform.view is None


VARIANTS: dict[str, Variant] = {
    "default": Variant(),
    "no networks": Variant(keep=lambda one: not is_network(one)),
    "networks alone": Variant(keep=is_network),
    "no input-space mixtures": Variant(keep=lambda one: one.density.kind != "input_mixture"),
    "no marginal mixtures": Variant(keep=lambda one: not one.density.is_marginal),
    "values alone": Variant(keep=sees_values),
    "normal scores alone": Variant(
        keep=lambda one: one.density.is_marginal or not sees_values(one)
    ),
    "trimmed": Variant(lambda config: replace(config, trim=0.2)),
    "two networks": Variant(lambda config: table_config_of(config, 2)),
    "mixtures of z": Variant(densities_of_z),
    "one cycle": training(cycles=1),
    "no feature masking": networks(mask_ratio=0.0),
    "energy not trained": training(lambda1=0.0, lambda2=0.0),
    "weights of the paper": training(lambda1=0.1, lambda2=0.005),
}


def table_config_of(config: DetectorConfig, n: int) -> DetectorConfig:
    """Return a config like another with fewer networks, one of each view in turn."""
    weight = len(config.architectures) / n
    return replace(
        config,
        architectures=config.architectures[:n],
        latent_densities=tuple(
            (replace(one, weight=one.weight * weight),) for (one,) in config.latent_densities[:n]
        ),
        views=config.views[:n],
    )


@lru_cache(maxsize=2)
def fitted(change: Change, path: Path, protocol: Protocol, seed: int) -> tuple[Split, FittedModel]:
    """Fit once what several variants keep parts of."""
    rows = protocol.split(path, seed)
    n = len(change(table_config(2, (1,), 4)).architectures)

    def preset(n_rows: int, shape: tuple[int, ...]) -> DetectorConfig:
        return change(table_config(n_rows, shape, 4))

    # As DAGMMDetector does, whose energies the first row of the table has to give again.
    fit_seed = int(np.random.RandomState(seed).randint(2**31))
    data = DataConfig(SCALING, holds_out=True)
    return rows, fit_model(as_rows(rows.train), data, preset, n, fit_seed, Progress())[0]


def one_fit(variant: str, path: Path, protocol: Protocol, seed: int) -> Fit:
    """AUROC and average precision of one variant on one split."""
    rows, model = fitted(VARIANTS[variant].change, path, protocol, seed)
    kept = tuple(one for one in model.components if VARIANTS[variant].keep(one))
    total = sum(one.weight for one in kept)
    kept = tuple(replace(one, weight=one.weight / total) for one in kept)
    energy = replace(model, components=kept).energy(rows.test)
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
