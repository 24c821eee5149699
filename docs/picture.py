"""Draws the picture of the READMEs: ``python docs/picture.py docs/_static/plant.png``.

A simulated pump after the fit: the energy of each row, where a sensor had a fault, and which
sensors make the strangest row strange.
"""

import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np

from dagmm import DAGMMDetector, plot_energy, plot_explanation
from dagmm.datasets import NORMAL, SENSORS, simulated_plant


def main() -> None:
    """Write the picture to the file that the command names."""
    train, test = simulated_plant(n_test=800, seed=0)
    warnings.simplefilter("ignore", UserWarning)  # the picture says nothing of thresholds
    detector = DAGMMDetector().fit(train.select(SENSORS))
    rows = test.select(SENSORS)
    is_fault = np.array([fault != NORMAL for fault in test["fault"].to_pylist()])
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), width_ratios=(2, 1))
    plot_energy(detector, rows, by_row=True, ax=left)
    left.fill_between(
        np.arange(len(is_fault)),
        0,
        1,
        where=is_fault,
        transform=left.get_xaxis_transform(),
        color="0.88",
        linewidth=0,
        zorder=0,
    )
    left.set_title("grey: a sensor has a fault", fontsize=9, loc="left")
    row = int(np.argmax(detector.energy(rows)))
    plot_explanation(detector, rows, row=row, n_columns=5, ax=right)
    figure.tight_layout()
    figure.savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    main()
