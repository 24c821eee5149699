"""Messages call arguments by their names, and by options where a command says so."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

from dagmm._core.wording import given, is_option, named, options_named


def test_arguments_have_their_names_in_python():
    assert named("window") == "window"
    assert given("drop", ["a"]) == "drop=['a']"
    assert given("time", "when") == "time='when'"
    assert not is_option("window")


def test_arguments_are_options_while_a_command_runs():
    with options_named({"window": "--window", "drop": "--drop"}):
        assert named("window") == "--window"
        assert given("drop", ["a b", "c"]) == "--drop 'a b' --drop 'c'"
        assert given("window", 5) == "--window 5"
        assert given("config", None) == "config=None"
        assert is_option("window")
        assert not is_option("config")
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(named, "window").result() == "--window"
    assert named("window") == "window"


def test_an_error_ends_it_as_well():
    with contextlib.suppress(KeyError), options_named({"window": "--window"}):
        raise KeyError
    assert named("window") == "window"
