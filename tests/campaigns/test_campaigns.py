"""The first cases of each campaign; ``make campaign`` runs them by the thousand."""

import json

import pytest

from campaigns import damaged_models, hostile_files, kills, odd_tables, readers_and_writers
from campaigns.campaign import Campaign, run


@pytest.mark.parametrize("seed", range(6))
def test_odd_tables(seed):
    odd_tables.check(seed)


@pytest.mark.parametrize("seed", range(30))
def test_damaged_models(seed):
    damaged_models.check(seed)


@pytest.mark.parametrize("seed", range(4))
def test_hostile_files(seed):
    hostile_files.check(seed)


@pytest.mark.parametrize("seed", range(1))
def test_kills(seed):
    kills.check(seed)


def test_readers_and_writers():
    assert readers_and_writers.check(1, n_saves=15) == "2 savers of 15"


def _even(seed):
    if seed % 2:
        raise ValueError(f"{seed} is odd")
    return "even"


def test_a_campaign_counts_prints_tests_and_goes_on(tmp_path, capsys):
    campaign = Campaign("numbers", _even, 99, lambda seed: f"the number {seed}")
    assert run(campaign, 3, tmp_path) == 1
    said = capsys.readouterr().out
    assert "# the number 1\ndef test_numbers_1():\n    numbers.check(1)\n" in said
    assert "ValueError: 1 is odd" in said
    assert said.endswith("numbers: cases 0 to 2 of 3 in 0 s: 2 even; 1 failed [1]\n")
    state = json.loads((tmp_path / "numbers.json").read_text())
    assert (state["next"], state["outcomes"], state["failures"]) == (3, {"even": 2}, [1])
    assert run(campaign, 5, tmp_path) == 2
    said = capsys.readouterr().out
    assert "numbers.check(1)" not in said
    assert said.endswith("numbers: cases 0 to 4 of 5 in 0 s: 3 even; 2 failed [1, 3]\n")


def test_a_case_that_takes_its_process_with_it_twice_is_a_failure(tmp_path, capsys):
    state = {"next": 4, "seconds": 1.0, "outcomes": {"even": 2}, "failures": [1, 3]}
    (tmp_path / "numbers.json").write_text(json.dumps({**state, "begun": 2}))
    assert run(Campaign("numbers", _even, 99), 5, tmp_path) == 3
    assert "numbers.check(4)\n\nit crashed or hung" in capsys.readouterr().out


def _stopped(seed):
    raise KeyboardInterrupt


def test_a_case_that_was_stopped_once_is_run_again(tmp_path, capsys):
    for n in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            run(Campaign("numbers", _stopped, 99), 5, tmp_path)
        assert json.loads((tmp_path / "numbers.json").read_text())["begun"] == n
    assert run(Campaign("numbers", _even, 99), 3, tmp_path) == 2
    assert capsys.readouterr().out.endswith("1 even; 2 failed [0, 1]\n")
