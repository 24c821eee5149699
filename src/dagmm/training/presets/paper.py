"""Defaults of ``DAGMM``, whose structure is the paper's, and the paper's weights."""

#: Weights of the energy and of the covariance penalty.
PAPER_LAMBDA1, PAPER_LAMBDA2 = 0.1, 0.005

#: Widths of the estimation network; the last is the number of components.
DEFAULT_EST_HIDDENS = (16, 4)

#: Epochs of ``DAGMM``, and the steps that they have together at least: the tables of the paper
#: take 4,000 to 20,000. Small tables are gone over several times an epoch.
DAGMM_EPOCHS, DAGMM_STEPS = 100, 3000


def default_hiddens(n_features: int) -> tuple[int, ...]:
    """Widths of the compression network of ``DAGMM``; a narrow table's code is not squeezed."""
    return (64, 32, min(8, n_features))
