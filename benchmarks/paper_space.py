"""The learnt space of KDDCUP, as figure 3 of the DAGMM paper: z of test rows, by four methods.

The paper draws three coordinates at once: the code and the two residual features. Here each
method has two panels, the code against either of them.
"""

from pathlib import Path
from typing import Any

import numpy as np

from common import ProgressLine, take
from dagmm.evaluation.baselines.paper_variants import (
    Autoencoder,
    Setting,
    pretrained,
    trained,
    trained_autoencoder,
)
from dagmm.inference.ensemble import Component, TrainedNetwork
from paper_methods import encoded, setting_of
from paper_peers import dcn
from paper_sets import SETS, SHARED, load, split

#: Test rows of each class that are drawn.
DRAWN = 1000
#: What z holds after the code.
RESIDUALS = ("relative distance", "cosine similarity")


def learnt_spaces(
    train: np.ndarray, shown: np.ndarray, seed: int, setting: Setting, n_clusters: int
) -> dict[str, np.ndarray]:
    """Z of some rows, shape (n_rows, n_latent), by the methods of the paper's figure."""
    progress = ProgressLine(5)
    found: dict[str, Autoencoder] = {}

    def keep(name: str, model: Autoencoder) -> None:
        found[name] = model
        progress.step(name)

    keep("DAGMM", _autoencoder_of(trained(train, seed, setting)))
    start = pretrained(train, seed, setting)
    progress.step("pre-training")
    keep("PAE", trained_autoencoder(train, seed, setting, start))
    keep("DAGMM-p", _autoencoder_of(trained(train, seed, setting, start)))
    keep("DCN", dcn.fit(train, seed, setting, n_clusters, found["PAE"]).model)
    return {name: model.z(shown) for name, model in found.items()}


def draw(spaces: dict[str, np.ndarray], anomaly: np.ndarray, title: str, path: Path) -> None:
    """Save a figure: a column for each method, the code against each residual feature."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.0 * len(spaces), 5.6), layout="constrained")
    axes = figure.subplots(len(RESIDUALS), len(spaces), squeeze=False)
    order = np.random.default_rng(0).permutation(len(anomaly))  # neither class on top
    colours = np.where(anomaly, "tab:red", "tab:blue")[order]
    for column, (name, z) in zip(axes.T, spaces.items(), strict=True):
        column[0].set_title(name)
        for i, axis in enumerate(column):
            axis.scatter(z[order, 0], z[order, i - 2], s=4, c=colours, alpha=0.5, linewidths=0)
            axis.set_xlabel("code")
            axis.set_ylabel(RESIDUALS[i])
    figure.suptitle(f"{title}; red: anomalies, blue: normal rows", fontsize="medium")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def draw_learnt_space(data: Path, path: Path, changes: dict[str, Any], seed: int = 0) -> None:
    """Train the methods on KDDCUP, draw test rows in their spaces, save the figure."""
    settings = SHARED | SETS["kddcup"].settings | changes
    table, anomaly = load("kddcup", data, True)
    train, test = split(anomaly, None, seed)
    rng = np.random.default_rng(seed)
    of_class = (test[anomaly[test] == strange] for strange in (False, True))
    shown = np.concatenate([rng.choice(rows, DRAWN, replace=False) for rows in of_class])
    x, rows = encoded(take(table, train), take(table, shown), settings["normalize"])
    setting = setting_of(settings, *x.shape)
    spaces = learnt_spaces(x, rows, seed, setting, settings["est_hiddens"][-1])
    title = f"KDDCUP, {DRAWN} test rows of each class, {setting.training.epochs} epochs"
    draw(spaces, anomaly[shown], title, path)
    print(f"wrote {path}")


def _autoencoder_of(component: Component) -> Autoencoder:
    network = component.transform
    assert isinstance(network, TrainedNetwork), "DAGMM's density is of a network's z"
    return Autoencoder(network.architecture, network.parameters)
