"""One service for the tests of a file, with one of two models."""

from pathlib import Path

import pytest

from dagmm import load_model
from dagmm.inference.fitted_model import FittedModel
from service import Service, fit, serving, settings_for


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("served")
    return fit(folder, "first", 0), fit(folder, "second", 1)


@pytest.fixture(scope="session")
def model(models: tuple[Path, Path]) -> FittedModel:
    return load_model(models[0]).model


@pytest.fixture(scope="module")
def service(models: tuple[Path, Path]) -> Service:
    with serving(settings_for(models[0])) as running:
        yield running
