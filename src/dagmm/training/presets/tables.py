"""The default for rows of a table."""

from functools import partial

from dagmm.mixture.density import DensityConfig
from dagmm.mixture.latent import LatentMixture
from dagmm.mixture.marginal import MarginalMixtures
from dagmm.mixture.row_mixture import InputMixture, RowMixture
from dagmm.preprocessing.columns.numeric import Scaling
from dagmm.preprocessing.row_views import View
from dagmm.training.config import DetectorConfig
from dagmm.training.presets.mixtures import COMPONENTS, ROW_FLOOR, mixture
from dagmm.training.presets.networks import batch_of, network_of_rows, training_of_rows

#: Components of the marginal mixture of each feature, and their share of the energy; that of rows
#: of a series, whose columns hang together closely.
MARGINAL_COMPONENTS, MARGINAL_SHARE, MARGINAL_SHARE_IN_TIME = 4, 0.2, 0.15

#: Encoded tables of so many features, and of fewer than so many rows for each, have mixtures of
#: one component with a high floor, and no marginal mixtures: there are directions in which no
#: training row varies at all. Of more features a covariance would take more than 8 MB.
WIDE_FEATURES, ROWS_OF_WIDE_FEATURE = range(100, 1025), 100
WIDE_FLOOR = 0.25
#: Tables with more rows have the networks' mixtures alone: a rare way to be normal is hundreds of
#: rows there, which are rare in single columns too, and no few straight lines hold all others.
MOST_ROWS_OF_INPUTS = 100_000
#: Covariance floor of mixtures of z, of tables that are wider still.
LATENT_FLOOR = 1e-3

#: As what networks see encoded rows, in turn; and those of a series, where what hangs together is
#: near to linear in the values, and ranks bend it.
VIEWS: tuple[View, ...] = ("values", "normal_scores")
VIEWS_IN_TIME: tuple[View, ...] = ("values",)
#: What the networks of a view count beside the mixture of the rows that it shows, those of a
#: series too; and what normal scores do beside values: strange rows that lie together are usual by
#: their ranks.
NETWORK_WEIGHT, NETWORK_WEIGHT_IN_TIME = 1.5, 1.0
VIEW_WEIGHTS: dict[View, float] = {"values": 1.0, "normal_scores": 0.5}

#: Scaling of the detector's columns.
SCALING: Scaling = "standard"


def table_config(
    n_rows: int, shape: tuple[int, ...], n_members: int, *, in_time: bool = False
) -> DetectorConfig:
    """Return the config of ``DAGMMDetector`` for rows of a table.

    Parameters
    ----------
    n_rows : int
        Rows that the network with the fewest is fitted to.
    shape : tuple of int
        (n_features,), the width of an encoded row.
    n_members : int
        Networks.
    in_time : bool
        Whether rows are those of a series: what hangs together in a plant does so closely, and
        networks that begin at principal components keep it where rows are few.
    """
    (n_features,) = shape
    batch_size = batch_of(n_rows)
    whole_row = n_features < WIDE_FEATURES.stop
    architecture = network_of_rows(
        n_rows, n_features, batch_size, whole_row=whole_row, has_shortcuts=whole_row and in_time
    )
    training = training_of_rows(n_rows, batch_size)
    marginal = DensityConfig(
        MarginalMixtures,
        {"n_components": MARGINAL_COMPONENTS},
        MARGINAL_SHARE_IN_TIME if in_time else MARGINAL_SHARE,
    )
    if not whole_row:
        latent = mixture(LatentMixture, n_rows, LATENT_FLOOR)
        of_columns = (marginal,) if n_rows <= MOST_ROWS_OF_INPUTS else ()
        return DetectorConfig(
            (architecture,) * n_members, training, ((latent,),) * n_members, of_columns
        )
    some = VIEWS_IN_TIME if in_time else VIEWS
    views = tuple(some[i % len(some)] for i in range(n_members))
    is_wide = n_features in WIDE_FEATURES and n_rows < ROWS_OF_WIDE_FEATURE * n_features
    floor, candidates = (WIDE_FLOOR, (1,)) if is_wide else (ROW_FLOOR, COMPONENTS)
    whole_rows = partial(mixture, n_rows=n_rows, relative_floor=floor, candidates=candidates)
    lead = NETWORK_WEIGHT_IN_TIME if in_time else NETWORK_WEIGHT
    # Of a column that does not vary networks that begin at principal components leave nothing.
    least = ROW_FLOOR if in_time else None
    of_networks = [
        (whole_rows(RowMixture, weight=weight / views.count(view), least_floor=least),)
        for view, weight in ((view, lead * VIEW_WEIGHTS[view]) for view in views)
    ]
    of_rows: list[DensityConfig] = []
    if n_rows <= MOST_ROWS_OF_INPUTS:
        of_rows = [
            whole_rows(InputMixture, weight=VIEW_WEIGHTS[view], view=view)
            for view in dict.fromkeys(views)
        ]
        if not is_wide:
            of_rows.append(marginal)
    return DetectorConfig(
        (architecture,) * n_members, training, tuple(of_networks), tuple(of_rows), views
    )
