"""The methods that DAGMM is compared with, by name."""

from dagmm.evaluation.baselines.classical import (
    gaussian_mixture,
    isolation_forest,
    knn,
    lof,
    mahalanobis,
    one_class_svm,
    pca_residual,
)
from dagmm.evaluation.baselines.gan import gan
from dagmm.evaluation.baselines.method import Method
from dagmm.evaluation.baselines.paper_variants import (
    autoencoder,
    dagmm_p,
    dagmm_single,
    gmm_en,
    pae,
    pae_gmm,
    pae_gmm_em,
)

_PAPER = "Zong et al., ICLR 2018, section 4.3"

_FIELD = (
    Method(
        "mahalanobis",
        "Mahalanobis (MT)",
        mahalanobis,
        "Mahalanobis, 1936; Taguchi and Jugulum, 2002",
    ),
    Method("one_class_svm", "One-class SVM", one_class_svm, "Schoelkopf et al., 2001"),
    Method("gaussian_mixture", "Gaussian mixture", gaussian_mixture, "Dempster et al., 1977"),
    Method("lof", "LOF", lof, "Breunig et al., 2000"),
    Method("isolation_forest", "Isolation Forest", isolation_forest, "Liu et al., 2008"),
    Method("knn", "k-nearest neighbours", knn, "Ramaswamy et al., 2000"),
    Method("pca", "PCA residual", pca_residual, "Jackson and Mudholkar, 1979"),
    Method("autoencoder", "Autoencoder (E2E-AE)", autoencoder, _PAPER),
    Method("gan", "GAN (GANomaly)", gan, "Akcay et al., ACCV 2018"),
)

_ABLATIONS = (
    Method("pae", "PAE", pae, _PAPER),
    Method("pae_gmm_em", "PAE-GMM-EM", pae_gmm_em, _PAPER),
    Method("pae_gmm", "PAE-GMM", pae_gmm, _PAPER),
    Method("gmm_en", "GMM-EN", gmm_en, _PAPER),
    Method("dagmm_p", "DAGMM-p", dagmm_p, _PAPER),
    Method("dagmm_single", "DAGMM, one network", dagmm_single, _PAPER),
)

#: What the field knows.
FIELD: dict[str, Method] = {method.name: method for method in _FIELD}
#: The paper's own variants; the autoencoder, its E2E-AE, is among the others.
ABLATIONS: dict[str, Method] = {method.name: method for method in _ABLATIONS}
#: All of them.
METHODS: dict[str, Method] = FIELD | ABLATIONS
