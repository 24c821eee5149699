import pytest

from dagmm.evaluation.baselines.registry import ABLATIONS, FIELD, METHODS


def test_every_method_the_field_knows_and_every_variant_of_the_paper_is_there():
    assert list(FIELD) == [
        "mahalanobis",
        "one_class_svm",
        "gaussian_mixture",
        "lof",
        "isolation_forest",
        "knn",
        "pca",
        "autoencoder",
        "gan",
    ]
    assert list(ABLATIONS) == ["pae", "pae_gmm_em", "pae_gmm", "gmm_en", "dagmm_p", "dagmm_single"]
    assert METHODS == FIELD | ABLATIONS


@pytest.mark.parametrize("name", METHODS)
def test_a_method_says_what_it_is(name):
    method = METHODS[name]
    assert method.name == name
    assert method.title
    assert any(character.isdigit() for character in method.source)
    assert method.fit.__doc__
    assert not method.sees_table
    titles = [other.title for other in METHODS.values()]
    assert titles.count(method.title) == 1
