import dagmm
from dagmm.estimators.said import said_arguments


def test_arguments_that_are_defaults_are_not_said():
    detector = dagmm.DAGMMDetector(n_members=2, config={"trim": 0.2}, verbose=1)
    said = {"n_members": 2, "config": {"trim": 0.2}}
    assert said_arguments("DAGMMDetector", detector.get_params()) == said
    model = dagmm.DAGMM((8, 2), normalize=True)
    assert said_arguments("DAGMM", model.get_params()) == {"comp_hiddens": (8, 2)}


def test_none_is_said_where_it_is_no_default():
    said = said_arguments("DAGMM", {"est_dropout_ratio": None, "comp_hiddens": None})
    assert said == {"est_dropout_ratio": None}


def test_of_an_unknown_estimator_all_arguments_are_said():
    arguments = {"n_members": 4, "feature_names_in_": ["a"]}
    assert said_arguments("Other", arguments) == {"n_members": 4}
    assert said_arguments("DAGMMDetector", {"later": 1}) == {"later": 1}
