"""The rows of the paper's tables: each method, fitted as the paper's settings say.

All variants of DAGMM have the paper's network, batches, epochs and learning rate, and so has DCN;
nothing is searched for with labels, as the paper does for its baselines. Rows that begin with a
pre-trained autoencoder share one for each split; its time counts for the first of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from dagmm.data.convert import as_rows
from dagmm.evaluation.baselines import classical, paper_variants
from dagmm.evaluation.baselines.paper_variants import Autoencoder, Setting
from dagmm.mixture.moments import RELATIVE_FLOOR
from dagmm.networks.network import Architecture
from dagmm.preprocessing.sampling import encode_rows
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.training.schedule import TrainingConfig
from paper_peers import dcn
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


@dataclass
class Pretrained:
    """What rows that begin with one pre-trained autoencoder share, of the last rows seen."""

    key: Any = None
    start: np.ndarray | None = None
    model: Autoencoder | None = None

    def of(self, x: np.ndarray, seed: int, setting: Setting) -> tuple[np.ndarray, Autoencoder]:
        """Parameters after the layers' training, and the autoencoder trained from there."""
        # The rows themselves, not their identity, which another array may have after them.
        if self.key is None or self.key[0] is not x or self.key[1:] != (seed, setting):
            self.start = paper_variants.pretrained(x, seed, setting)
            self.model = paper_variants.trained_autoencoder(x, seed, setting, self.start)
            self.key = (x, seed, setting)
        assert self.start is not None, "made with the key"
        assert self.model is not None, "made with the key"
        return self.start, self.model


_PRETRAINED = Pretrained()


def _with_setting(fit: Callable[[Any, int, Setting], Score]) -> Fit:
    return lambda x, seed, settings: fit(x, seed, setting_of(settings, *x.shape))


def _standardised(fit: Callable[[np.ndarray, int], Score]) -> Fit:
    """Scale rows once more, to deviation 1, for methods that measure in that unit."""

    def fit_scaled(x: np.ndarray, seed: int, settings: dict[str, Any]) -> Score:
        scaler = StandardScaler().fit(x)
        score = fit(scaler.transform(x), seed)
        return lambda rows: score(scaler.transform(rows))

    return fit_scaled


def _from_pretraining(
    fit: Callable[[np.ndarray, int, Setting, np.ndarray, Autoencoder], Score],
) -> Fit:
    def fit_from(x: np.ndarray, seed: int, settings: dict[str, Any]) -> Score:
        setting = setting_of(settings, *x.shape)
        return fit(x, seed, setting, *_PRETRAINED.of(x, seed, setting))

    return fit_from


def _pae(x: Any, seed: int, setting: Setting, start: np.ndarray, model: Autoencoder) -> Score:
    return model.squared_error


def _pae_gmm_em(
    x: Any, seed: int, setting: Setting, start: np.ndarray, model: Autoencoder
) -> Score:
    return paper_variants.pae_gmm_em(x, seed, setting, model)


def _pae_gmm(x: Any, seed: int, setting: Setting, start: np.ndarray, model: Autoencoder) -> Score:
    return paper_variants.pae_gmm(x, seed, setting, model)


def _dagmm_p(x: Any, seed: int, setting: Setting, start: np.ndarray, model: Autoencoder) -> Score:
    return paper_variants.energy_of(paper_variants.trained(x, seed, setting, start))


def _dcn(x: Any, seed: int, setting: Setting, start: np.ndarray, model: Autoencoder) -> Score:
    n_clusters = setting.architecture.n_components
    return dcn.fit(x, seed, setting, n_clusters, model).distance


#: The paper's rows, in its order.
TABLE_2_ROWS: dict[str, Row] = {
    "oc-svm": Row("OC-SVM", _standardised(classical.one_class_svm)),
    "dsebm-r": Row("DSEBM-r", _standardised(dsebm_r)),
    "dsebm-e": Row("DSEBM-e", _standardised(dsebm_e)),
    "dcn": Row("DCN", _from_pretraining(_dcn)),
    "gmm-en": Row("GMM-EN", _with_setting(paper_variants.gmm_en)),
    "pae": Row("PAE", _from_pretraining(_pae)),
    "e2e-ae": Row("E2E-AE", _with_setting(paper_variants.autoencoder)),
    "pae-gmm-em": Row("PAE-GMM-EM", _from_pretraining(_pae_gmm_em)),
    "pae-gmm": Row("PAE-GMM", _from_pretraining(_pae_gmm)),
    "dagmm-p": Row("DAGMM-p", _from_pretraining(_dagmm_p)),
    "dagmm-nvi": Row("DAGMM-NVI", _with_setting(dagmm_nvi)),
    "dagmm": Row("DAGMM", _dagmm, sees_table=True),
}
#: Those of the table with anomalies among the training rows.
TABLE_3_ROWS = ("dagmm", "dcn", "dsebm-e", "oc-svm")
#: All that can be run: the paper's, and this library's default.
ROWS: dict[str, Row] = TABLE_2_ROWS | {
    "detector": Row("DAGMMDetector()", _detector, sees_table=True, flags_as_text=False)
}
