"""What mixtures of all presets have in common."""

from collections.abc import Iterable
from typing import Any

from dagmm.mixture.density import Density, DensityConfig
from dagmm.preprocessing.row_views import View

#: Numbers of components that mixtures choose from.
COMPONENTS = (1, 2, 4, 8, 16)

#: Covariance floor of mixtures of whole rows, which is low as relations that hardly vary are what
#: a fault breaks.
ROW_FLOOR = 1e-4

#: A component of the detector that holds a smaller share of the rows and fewer of them dies: a
#: few rows that lie together are as likely repeated faults as a rare way to be normal, hundreds
#: are not.
LEAST_PHI, LEAST_ROWS = 0.02, 40


def mixture(
    density: type[Density],
    n_rows: int,
    relative_floor: float,
    *,
    candidates: Iterable[int] = COMPONENTS,
    weight: float = 1.0,
    view: View = "values",
    least_floor: float | None = None,
) -> DensityConfig:
    """Mixture whose number of components BIC chooses among candidates."""
    options: dict[str, Any] = {
        "candidates": tuple(candidates),
        "relative_floor": relative_floor,
        "least_phi": least_phi(n_rows),
    }
    if least_floor is not None:
        options["least_floor"] = least_floor
    return DensityConfig(density, options, weight, view)


def least_phi(n_rows: int) -> float:
    """Share of the rows below which a component dies."""
    return min(LEAST_PHI, LEAST_ROWS / n_rows)
