"""Networks that a fleet shares are kept as they are, and go where they mean the same."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from dagmm import ModelFileError
from dagmm._core.progress import Progress
from dagmm.data.convert import as_rows
from dagmm.training.fit import Seeds, prepare
from dagmm.training.prepare import DataConfig
from dagmm.training.start import FleetStart, kind_of
from small_fits import normal, tiny_config

CONFIG = tiny_config(100, (3,), 2)


def prepared(*names):
    """Rows of columns with these names, as a fit prepares them."""
    table = pa.table(dict(zip(names, normal(40, len(names)).T, strict=True)))
    seeds = Seeds(*np.random.SeedSequence(0).spawn(5))
    return prepare(as_rows(table), DataConfig("standard"), 2, seeds, Progress())


PREPARED = prepared("a", "b", "c")
NETWORKS = [np.arange(5, dtype=np.float32), np.ones(5, np.float32)]
START = FleetStart({kind_of(CONFIG, PREPARED): NETWORKS})


def test_networks_are_read_as_they_were_written(tmp_path):
    START.save(tmp_path / "start")
    assert hashlib.sha256((tmp_path / "start").read_bytes()).hexdigest() == START.digest
    found = FleetStart.read(tmp_path / "start", START.digest)
    assert found.networks.keys() == START.networks.keys()
    for read, written in zip(
        *(next(iter(s.networks.values())) for s in (found, START)), strict=True
    ):
        np.testing.assert_array_equal(read, written)


def test_other_networks_than_the_fleet_names_are_refused(tmp_path):
    START.save(tmp_path / "start")
    with pytest.raises(ModelFileError, match=r"its content is not what the fleet's manifest prom"):
        FleetStart.read(tmp_path / "start", "0" * 64)
    with pytest.raises(ModelFileError, match=r"cannot be read: No such file or directory\.$"):
        FleetStart.read(tmp_path / "none", "0" * 64)


def test_an_asset_begins_there_only_if_it_is_encoded_alike():
    config, initial = START.begin(CONFIG, PREPARED)
    assert initial is NETWORKS
    assert config.training.cycles == 1
    assert START.begin(CONFIG, prepared("a", "b", "d")) == (CONFIG, None)
    wider = tiny_config(100, (4,), 2)
    assert START.begin(wider, PREPARED) == (wider, None)
