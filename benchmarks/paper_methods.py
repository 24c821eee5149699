"""The rows of the paper's tables: each method, fitted as the paper's settings say.

All variants of DAGMM have the paper's network, batches, epochs and learning rate, and so has DCN;
nothing is searched for with labels, as the paper does for its baselines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from dagmm.data.convert import as_rows
from dagmm.evaluation.baselines import classical, paper_variants
from dagmm.evaluation.baselines.paper_variants import Setting
from dagmm.mixture.moments import RELATIVE_FLOOR
from dagmm.networks.network import Architecture
from dagmm.preprocessing.sampling import encode_rows
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.training.schedule import TrainingConfig
from paper_peers.dcn import dcn
from paper_peers.dsebm import dsebm_e, dsebm_r
from paper_peers.variational import dagmm_nvi

#: Says how strange rows are.
Score = Callable[[Any], np.ndarray]
#: Takes training rows, a seed and the arguments of ``DAGMM``.
Fit = Callable[[Any, int, dict[str, Any]], Score]


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Parameters
    ----------
    title : str
    fit : callable
    sees_table : bool, default=False
        Whether it takes the table itself; encoded rows by default.
    flags_as_text : bool, default=True
        Whether flags of KDDCUP are categories, as in the paper.
    """

    title: str
    fit: Fit
    sees_table: bool = False
    flags_as_text: bool = True


def setting_of(settings: dict[str, Any], n_rows: int, n_features: int) -> Setting:
    """Say how ``DAGMM`` with some arguments trains, for the variants that share it."""
    architecture = Architecture(
        n_features=n_features,
        comp_hiddens=tuple(settings["comp_hiddens"]),
        comp_activation=settings["comp_activation"],
        est_hiddens=tuple(settings["est_hiddens"]),
        est_activation=settings["est_activation"],
        est_dropout_ratio=settings["est_dropout_ratio"],
    )
    batch_size = min(settings["minibatch_size"], n_rows)
    training = TrainingConfig(
        batch_size=batch_size,
        epochs=settings["epoch_size"],
        steps_per_epoch=-(-n_rows // batch_size),
        learning_rate=settings["learning_rate"],
        lambda1=settings["lambda1"],
        lambda2=settings["lambda2"],
    )
    return Setting(architecture, training, RELATIVE_FLOOR)


def encoded(train: Any, test: Any, normalize: str) -> tuple[np.ndarray, np.ndarray]:
    """Encode rows by the training rows, as ``DAGMM`` does."""
    rows = as_rows(train)
    encoder = fit_table_encoder(rows, normalize)
    parts = (rows, as_rows(test))
    first, second = (encode_rows(part, encoder)[: part.n_rows] for part in parts)
    return first.astype(np.float64), second.astype(np.float64)


def _dagmm(table: Any, seed: int, settings: dict[str, Any]) -> Score:
    from dagmm import DAGMM

    return DAGMM(**settings, random_seed=seed).fit(table).predict


def _detector(table: Any, seed: int, settings: dict[str, Any]) -> Score:
    from dagmm import DAGMMDetector

    return DAGMMDetector(random_state=seed).fit(table).energy


def _with_setting(fit: Callable[[Any, int, Setting], Score]) -> Fit:
    return lambda x, seed, settings: fit(x, seed, setting_of(settings, *x.shape))


def _standardised(fit: Callable[[np.ndarray, int], Score]) -> Fit:
    """Scale rows once more, to deviation 1, for methods that measure in that unit."""

    def fit_scaled(x: np.ndarray, seed: int, settings: dict[str, Any]) -> Score:
        scaler = StandardScaler().fit(x)
        score = fit(scaler.transform(x), seed)
        return lambda rows: score(scaler.transform(rows))

    return fit_scaled


def _dcn(x: np.ndarray, seed: int, settings: dict[str, Any]) -> Score:
    return dcn(x, seed, setting_of(settings, *x.shape), settings["est_hiddens"][-1])


#: The paper's rows, in its order.
TABLE_2_ROWS: dict[str, Row] = {
    "oc-svm": Row("OC-SVM", _standardised(classical.one_class_svm)),
    "dsebm-r": Row("DSEBM-r", _standardised(dsebm_r)),
    "dsebm-e": Row("DSEBM-e", _standardised(dsebm_e)),
    "dcn": Row("DCN", _dcn),
    "gmm-en": Row("GMM-EN", _with_setting(paper_variants.gmm_en)),
    "pae": Row("PAE", _with_setting(paper_variants.pae)),
    "e2e-ae": Row("E2E-AE", _with_setting(paper_variants.autoencoder)),
    "pae-gmm-em": Row("PAE-GMM-EM", _with_setting(paper_variants.pae_gmm_em)),
    "pae-gmm": Row("PAE-GMM", _with_setting(paper_variants.pae_gmm)),
    "dagmm-p": Row("DAGMM-p", _with_setting(paper_variants.dagmm_p)),
    "dagmm-nvi": Row("DAGMM-NVI", _with_setting(dagmm_nvi)),
    "dagmm": Row("DAGMM", _dagmm, sees_table=True),
}
#: Those of the table with anomalies among the training rows.
TABLE_3_ROWS = ("dagmm", "dcn", "dsebm-e", "oc-svm")
#: All that can be run: the paper's, and this library's default.
ROWS: dict[str, Row] = TABLE_2_ROWS | {
    "detector": Row("DAGMMDetector()", _detector, sees_table=True, flags_as_text=False)
}
