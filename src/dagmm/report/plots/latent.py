"""The code space with the mixture's ellipses: the figure of the paper."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from dagmm.inference.fitted_model import FittedModel
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.moments import Moments
from dagmm.report.plots.canvas import GUIDE, NORMAL, STRANGE

#: Deviations at which the outer ellipse of a component is drawn: 99 % of its rows lie within.
DEVIATIONS = float(np.sqrt(-2.0 * np.log(0.01)))


@dataclass(frozen=True)
class LatentView:
    """The z space of one network, seen from one side.

    Parameters
    ----------
    at : ndarray of shape (n_rows, 2)
        First the position along the axis of the code in which the mixture varies most, then the
        first residual feature: how badly the row was rebuilt.
    strange : ndarray of shape (n_rows,), bool
    phi : ndarray of shape (n_components,)
    mu : ndarray of shape (n_components, 2)
    cov : ndarray of shape (n_components, 2, 2)
    """

    at: Float[np.ndarray, "n_rows 2"]
    strange: Bool[np.ndarray, " n_rows"]
    phi: Float[np.ndarray, " n_components"]
    mu: Float[np.ndarray, "n_components 2"]
    cov: Float[np.ndarray, "n_components 2 2"]

    def limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the ends of both axes: where ellipses reach, up to three times so for rows."""
        reach = DEVIATIONS * np.sqrt(self.cov.diagonal(axis1=1, axis2=2))
        low, high = (self.mu - reach).min(axis=0), (self.mu + reach).max(axis=0)
        size = high - low
        if len(self.at):
            seen = np.percentile(self.at, (0.0, 100.0), axis=0)
            low = np.minimum(low, np.maximum(seen[0], low - 3.0 * size))
            high = np.maximum(high, np.minimum(seen[1], high + 3.0 * size))
        margin = 0.03 * (high - low)
        ends = zip(low - margin, high + margin, strict=True)
        x, y = ((float(a), float(b)) for a, b in ends)
        return x, y

    @property
    def n_beyond(self) -> int:
        """Rows that lie beyond the axes."""
        ends = np.array(self.limits())
        return int(((self.at < ends[:, 0]) | (self.at > ends[:, 1])).any(axis=1).sum())


def latent_view(
    model: FittedModel,
    network: int,
    features: Float[np.ndarray, "n_rows n_features"],
    strange: Bool[np.ndarray, " n_rows"],
) -> LatentView:
    """Send encoded rows through a network and project what comes out.

    Parameters
    ----------
    model : FittedModel
    network : int
        Which of its networks.
    features : ndarray of shape (n_rows, n_features), float32
    strange : ndarray of shape (n_rows,), bool
    """
    shown = model.networks[network]
    z = shown.latent(features).astype(np.float64)
    mixture = model.mixture_of(shown)
    if mixture is None or shown.architecture.whole_row:
        usual = ~strange if not strange.all() else np.ones_like(strange)
        gamma = np.ones((1, usual.sum()))
        if mixture is not None:
            # Its components are of code and residuals: z shows where their rows lie.
            gamma = mixture.membership(shown.seen(features[usual]))
        mixture = GaussianMixture.from_moments(Moments.of(z[:, usual], gamma))
    plane = plane_of(mixture, shown.architecture.n_code)
    return LatentView(
        (plane @ z).T, strange, mixture.phi, mixture.mu @ plane.T, plane @ mixture.cov @ plane.T
    )


def plane_of(mixture: GaussianMixture, n_code: int) -> Float[np.ndarray, "2 n_latent"]:
    """Return the projection: main axis of the code under the mixture, first residual feature."""
    mu, cov = mixture.mu[:, :n_code], mixture.cov[:, :n_code, :n_code]
    centred = mu - mixture.phi @ mu
    between = (mixture.phi[:, None] * centred).T @ centred
    total = (mixture.phi[:, None, None] * cov).sum(axis=0) + between
    axis = np.linalg.eigh(total)[1][:, -1]
    # The sign of an axis is chance; the largest entry points upwards.
    axis = axis * np.sign(axis[np.argmax(np.abs(axis))])
    plane = np.zeros((2, mixture.mu.shape[1]))
    plane[0, :n_code], plane[1, n_code] = axis, 1.0
    return plane


def ellipse_of(
    cov: Float[np.ndarray, "2 2"], deviations: float = DEVIATIONS
) -> tuple[float, float, float]:
    """Return width, height and angle in degrees of a covariance's ellipse."""
    values, vectors = np.linalg.eigh(cov)
    width, height = 2.0 * deviations * np.sqrt(np.maximum(values[::-1], 0.0))
    angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
    return float(width), float(height), float(angle)


def draw_latent(
    ax: Any,
    view: LatentView,
    code_label: str = "code, along its main axis",
    residual_label: str = "how badly the row was rebuilt",
) -> None:
    """Draw rows and ellipses; a component's line is the thicker, the more rows it has."""
    from matplotlib.patches import Ellipse

    for kind, colour, size in ((~view.strange, NORMAL, 5.0), (view.strange, STRANGE, 9.0)):
        ax.scatter(*view.at[kind].T, s=size, c=colour, alpha=0.55, linewidths=0)
    for phi, mu, cov in zip(view.phi, view.mu, view.cov, strict=True):
        for deviations, style in ((1.0, "-"), (DEVIATIONS, "--")):
            width, height, angle = ellipse_of(cov, deviations)
            ax.add_patch(
                Ellipse(
                    tuple(mu),
                    width,
                    height,
                    angle=angle,
                    fill=False,
                    edgecolor=GUIDE,
                    linestyle=style,
                    linewidth=0.7 + 1.3 * float(phi),
                )
            )
    x, y = view.limits()
    ax.set(xlim=x, ylim=y, xlabel=code_label, ylabel=residual_label)
    ax.spines[["top", "right"]].set_visible(False)
