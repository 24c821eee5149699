"""Saved models: the same to the bit when read again, whole or not there, refused when damaged."""

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from dagmm import DAGMM, DAGMMDetector, ModelFileError, ModelSaveError, load_model
from dagmm._core.atomic_files import checksum_of
from dagmm.inference.calibration.threshold import Threshold
from dagmm.inference.persistence.directory import save_model
from small_fits import (
    energy_of,
    in_float64,
    normal,
    tiny_config,
    tiny_dagmm,
    tiny_detector,
)


@pytest.fixture(scope="module")
def fitted():
    return tiny_dagmm().fit(normal())


@pytest.fixture(scope="module")
def fitted_detector():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        yield tiny_detector().fit(normal())


@pytest.fixture
def saved(fitted, tmp_path):
    fitted.save(tmp_path / "m")
    return tmp_path / "m"


def read(directory):
    return json.loads((directory / "manifest.json").read_text("utf-8"))


def write(directory, plain):
    """Write a manifest with the checksum that belongs to it, as malice would."""
    plain["checksum"] = checksum_of(plain)
    (directory / "manifest.json").write_text(json.dumps(plain), "utf-8")


def write_arrays(directory, change):
    """Change the arrays and name their file rightly, as malice would."""
    plain = read(directory)
    file = directory / plain["arrays"]
    arrays = safetensors.numpy.load_file(file)
    arrays = {name: array.copy() for name, array in arrays.items()}
    change(arrays)
    data = safetensors.numpy.save(arrays)
    file.unlink()
    plain["arrays"] = f"arrays-{hashlib.sha256(data).hexdigest()}.safetensors"
    (directory / plain["arrays"]).write_bytes(data)
    write(directory, plain)
    return directory / plain["arrays"]


def refused(directory, message, load=DAGMM.load):
    with pytest.raises(ModelFileError) as caught:
        load(directory)
    assert str(caught.value) == message
    assert "\n" not in message


# Round trips -------------------------------------------------------------------------------


def test_energies_are_the_same_to_the_bit(fitted, fitted_detector, tmp_path):
    x = normal(seed=1)
    for i, estimator in enumerate((fitted, fitted_detector)):
        estimator.save(tmp_path / str(i))
        again = type(estimator).load(tmp_path / str(i))
        np.testing.assert_array_equal(energy_of(again, x), energy_of(estimator, x))
        assert again.get_params() == estimator.get_params()
        assert again.history_ == estimator.history_
        assert again.verdict_ == estimator.verdict_


def test_a_network_in_float64_comes_back_so_and_takes_no_more_room(fitted_detector, tmp_path):
    fitted_detector.save(tmp_path / "m")
    saved, x, energies = load_model(tmp_path / "m"), normal(seed=1), []
    for n, types in enumerate((["float32"] * 2, ["float64", "float32"])):
        model, path = in_float64(saved.model, n), tmp_path / str(n)
        save_model(path, model, saved.estimator, saved.arguments)
        again = load_model(path).model
        assert [one.parameters.dtype.name for one in again.networks] == types
        energies.append(again.energy(x))
        np.testing.assert_array_equal(energies[n], model.energy(x))
    assert not np.array_equal(*energies)
    assert read(tmp_path / "0")["arrays"] == read(tmp_path / "1")["arrays"]


def test_energies_are_the_same_in_another_process(fitted, tmp_path):
    fitted.save(tmp_path / "m")
    np.save(tmp_path / "x.npy", normal(seed=1))
    code = (
        "import sys, numpy as np; from dagmm import DAGMM; "
        "np.save('e.npy', DAGMM.load('m').predict(np.load('x.npy')))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "e.npy"), fitted.predict(normal(seed=1)))


def test_same_seed_gives_the_same_arrays_to_the_bit(fitted, tmp_path):
    fitted.save(tmp_path / "a")
    tiny_dagmm().fit(normal()).save(tmp_path / "b")
    tiny_dagmm(random_seed=124).fit(normal()).save(tmp_path / "c")
    names = [read(tmp_path / name)["arrays"] for name in "abc"]
    assert names[0] == names[1] != names[2]


def test_restore_becomes_the_saved_model_whatever_it_was(fitted, saved):
    other = tiny_dagmm(epoch_size=7, normalize="minmax")
    assert other.restore(saved) is other
    assert other.get_params() == fitted.get_params()


def test_argument_that_an_older_library_did_not_have_gets_its_default(saved):
    plain = read(saved)
    del plain["arguments"]["lambda2"]
    write(saved, plain)
    assert tiny_dagmm(lambda2=9.0).restore(saved).lambda2 == DAGMM().lambda2


# Writing -----------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(fitted, tmp_path, mask):
    before = os.umask(mask)
    try:
        fitted.save(tmp_path / "m")
    finally:
        os.umask(before)
    for file in (tmp_path / "m").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask


def test_save_replaces_a_model_and_leaves_nothing_behind(fitted, fitted_detector, saved):
    fitted_detector.save(saved)
    assert {file.name for file in saved.iterdir()} == {"manifest.json", read(saved)["arrays"]}
    assert load_model(saved).estimator == "DAGMMDetector"


STEPS = [
    "dagmm.inference.persistence.directory.os.fsync",
    "pathlib.Path.replace",
    "pathlib.Path.open",
]


@pytest.mark.parametrize("call", [0, 1])
@pytest.mark.parametrize("step", STEPS)
def test_old_model_is_whole_when_any_step_fails(
    fitted, fitted_detector, saved, monkeypatch, step, call
):
    left = [call]

    def full(*args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*args, **kwargs)

    owner = os if step.endswith("fsync") else Path
    original = getattr(owner, step.rpartition(".")[2])
    with monkeypatch.context() as patch:
        patch.setattr(owner, step.rpartition(".")[2], full)
        with pytest.raises(ModelSaveError) as caught:
            fitted_detector.save(saved)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.strerror == (
        f"save: {str(saved)!r} could not be written: No space left on device."
    )
    np.testing.assert_array_equal(DAGMM.load(saved).predict(normal()), fitted.predict(normal()))
    assert not [file for file in saved.iterdir() if file.suffix == ".part"]


def test_directory_of_something_else_is_left_alone(fitted, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ModelSaveError) as caught:
        fitted.save(tmp_path)
    assert str(caught.value) == (
        f"save: {str(tmp_path)!r} holds files that are not a saved model; "
        "choose another directory."
    )
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_file_is_not_a_directory(fitted, tmp_path):
    (tmp_path / "m").write_text("mine")
    with pytest.raises(ModelSaveError) as caught:
        fitted.save(tmp_path / "m")
    assert str(caught.value) == f"save: {str(tmp_path / 'm')!r} is a file; a model is a directory."
    with pytest.raises(ModelSaveError, match=r"could not be written: Not a directory\.$"):
        fitted.save(tmp_path / "m" / "n")


def test_leftovers_of_an_interrupted_save_do_not_hinder_the_next(fitted, tmp_path):
    (tmp_path / f".manifest.json.{'0' * 16}.part").write_text("{")
    (tmp_path / f"arrays-{'0' * 64}.safetensors").write_text("")
    fitted.save(tmp_path)
    DAGMM.load(tmp_path)
    assert not [file for file in tmp_path.iterdir() if file.suffix == ".part"]


# Reading -----------------------------------------------------------------------------------


def test_what_is_not_there_is_refused(tmp_path):
    refused(tmp_path / "m", f"restore: {str(tmp_path / 'm')!r} does not exist.")
    message = f"restore: {str(tmp_path)!r} is not a saved model: it has no manifest.json."
    refused(tmp_path, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is damaged: Expecting value: line 1 column 1 (char 0)."),
        ("{", None),
        ("\udcff", None),
        ("[" * 100_000, None),
        ('{"a":' * 100_000, None),
        ('{"format": "dagmm", "format_version": ' + "9" * 5000 + "}", None),
        (
            '{"format": "dagmm", "format_version": NaN}',
            "is damaged: it holds NaN, which is not a number.",
        ),
        ("[]", "was not written by dagmm."),
        ('{"format": "other"}', "was not written by dagmm."),
        (
            '{"format": "dagmm", "format_version": 4}',
            "has format 4, this dagmm reads up to 3; upgrade dagmm.",
        ),
        (
            '{"format": "dagmm", "format_version": true}',
            "is damaged: format_version must be a whole number >= 1, got True.",
        ),
        (
            '{"format": "dagmm", "format_version": 1}',
            "is damaged: its checksum does not belong to its content.",
        ),
    ],
)
def test_manifest_that_is_none_is_refused(saved, text, message):
    file = saved / "manifest.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelFileError) as caught:
        DAGMM.load(saved)
    assert str(caught.value).startswith(f"restore: {str(file)!r} ")
    if message:
        assert str(caught.value) == f"restore: {str(file)!r} {message}"


def test_huge_manifest_is_not_read(saved):
    with (saved / "manifest.json").open("wb") as stream:
        stream.truncate(2**40)
    message = (
        f"restore: {str(saved / 'manifest.json')!r} is damaged: it is larger than 33554432 bytes."
    )
    refused(saved, message)


def test_a_manifest_of_millions_of_lists_is_refused_before_it_is_parsed(saved):
    file = saved / "manifest.json"
    file.write_bytes(b"[" + b"[]," * (11 * 2**20) + b"[]]")
    began = time.perf_counter()
    refused(
        saved,
        f"restore: {str(file)!r} is damaged: it is larger than 33554432 bytes.",
    )
    file.write_bytes(b"[" + b"[]," * (10 * 2**20) + b"[]]")
    refused(
        saved,
        f"restore: {str(file)!r} is damaged: it has 10485762 lists and objects, more than 524288.",
    )
    assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize("depth", [33, 600, 900])
def test_a_manifest_that_is_nested_deep_is_refused(saved, depth):
    plain, nested = read(saved), []
    for _ in range(depth):
        nested = [nested]
    plain["arguments"]["comp_hiddens"] = nested
    write(saved, plain)
    refused(
        saved,
        f"restore: {str(saved / 'manifest.json')!r} is damaged: its lists and objects lie more "
        "than 32 deep in each other.",
    )


def test_a_model_that_could_not_be_read_again_is_not_saved(fitted, saved, monkeypatch):
    monkeypatch.setattr("dagmm.inference.persistence.directory.MAX_MANIFEST_BYTES", 1000)
    before = {file.name: file.read_bytes() for file in saved.iterdir()}
    with pytest.raises(ModelSaveError) as caught:
        fitted.save(saved)
    assert str(caught.value) == (
        f"save: {str(saved)!r} was not written, because its manifest could not be read again: it "
        "is larger than 1000 bytes; fit to fewer columns."
    )
    assert {file.name: file.read_bytes() for file in saved.iterdir()} == before


EDGES = [1.7e308, -1.7e308, 1.3e154, 2.3e-308]


@pytest.mark.parametrize("whole", [False, True], ids=["one value", "all values"])
def test_arrays_at_the_end_of_floats_are_refused_or_give_finite_energies(
    fitted_detector, tmp_path, whole
):
    fitted_detector.save(tmp_path)
    plain, x = read(tmp_path), normal(3)
    names = safetensors.numpy.load_file(tmp_path / plain["arrays"])
    refusals = 0
    for name, array in names.items():
        for value in EDGES if array.dtype.kind == "f" and array.size else ():
            with np.errstate(over="ignore"):
                edge = np.clip(value, *np.finfo(array.dtype).max * np.array([-1.0, 1.0]))

            def change(arrays, name=name, edge=edge):
                arrays[name].flat[:: 1 if whole else arrays[name].size] = edge

            fitted_detector.save(tmp_path)
            write_arrays(tmp_path, change)
            try:
                energy = DAGMMDetector.load(tmp_path).energy(x)
            except ModelFileError:
                refusals += 1
            else:
                assert np.isfinite(energy).all(), (name, value)
    assert refusals > 20


def test_a_density_without_finite_energies_is_refused(fitted_detector, tmp_path):
    fitted_detector.save(tmp_path)
    file = write_arrays(tmp_path, set_item("components.1.density.mu", (0, 0), 1.7e308))
    name = "components.1.density.mu"
    refused(
        tmp_path,
        f"restore: {str(file)!r} is damaged: array {name!r} must be within +-1e+38.",
        DAGMMDetector.load,
    )
    fitted_detector.save(tmp_path)
    file = write_arrays(tmp_path, set_item("components.4.density.deviation", (0, 0), 2.3e-308))
    refused(
        tmp_path,
        f"restore: {str(file)!r} is damaged: components.4.density has arrays that give some rows "
        "no finite energy.",
        DAGMMDetector.load,
    )


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 100, -1])
def test_truncated_arrays_are_refused(saved, cut):
    file = saved / read(saved)["arrays"]
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(ModelFileError, match=f"^restore: {re.escape(repr(str(file)))} is damaged"):
        DAGMM.load(saved)


def test_missing_linked_and_changed_arrays_are_refused(saved):
    file = saved / read(saved)["arrays"]
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    refused(
        saved, f"restore: {str(file)!r} is damaged: its content is not what its name promises."
    )
    outside = saved.parent / "outside"
    outside.write_bytes(data)
    file.unlink()
    refused(saved, f"restore: {str(file)!r} is missing; the model is incomplete.")
    file.symlink_to(outside)
    refused(
        saved,
        f"restore: {str(file)!r} is damaged: it is a link; "
        "the arrays must lie in the model's own directory.",
    )


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", None, 3, "arrays.safetensors", ["a"]])
def test_arrays_outside_the_directory_are_refused(saved, name):
    plain = read(saved)
    plain["arrays"] = name
    write(saved, plain)
    refused(
        saved,
        f"restore: {str(saved / 'manifest.json')!r} is damaged: arrays must be "
        f"'arrays-<sha256>.safetensors', a file in the same directory, got {name!r}.",
    )


def paths_in(plain, path=()):
    """Path of every value in a manifest; of long lists, the first entries only."""
    yield path
    if isinstance(plain, dict):
        for name, value in plain.items():
            yield from paths_in(value, (*path, name))
    elif isinstance(plain, list):
        for i, value in enumerate(plain[:2]):
            yield from paths_in(value, (*path, i))


STRANGE = [
    None,
    True,
    0,
    -1,
    2,
    10**30,
    1.7e308,
    5e-324,
    1.5,
    -0.5,
    "",
    "x",
    [],
    {},
    [[]],
    ["x"],
    {"x": 1},
    [None],
]


def changed(plain, path, change):
    copy = json.loads(json.dumps(plain))
    owner = copy
    for part in path[:-1]:
        owner = owner[part]
    change(owner, path[-1])
    return copy


@pytest.mark.parametrize("honest", [True, False], ids=["damage", "malice"])
def test_any_field_deleted_or_changed_is_refused_or_loads(fitted_detector, tmp_path, honest):
    fitted_detector.save(tmp_path)
    plain, x = read(tmp_path), normal(3)
    changes = [lambda owner, name: owner.__delitem__(name)]
    changes += [
        lambda owner, name, value=value: owner.__setitem__(name, value) for value in STRANGE
    ]
    refusals = 0
    for i, path in enumerate(paths_in(plain)):
        # Each field is changed by every third way, fields that follow each other by all of them;
        # the campaign tries any.
        for change in changes[i % 3 :: 3] if path else []:
            new = changed(plain, path, change)
            if new == plain and json.dumps(new) == json.dumps(plain):
                continue
            if honest:
                (tmp_path / "manifest.json").write_text(json.dumps(new))
            else:
                write(tmp_path, new)
            try:
                energy = DAGMMDetector.load(tmp_path).energy(x)
            except ModelFileError:
                refusals += 1
            else:
                assert not honest
                assert np.isfinite(energy).all()
    assert refusals > 300


def set_item(name, index, value):
    def change(arrays):
        arrays[name][index] = value

    return change


def replace(name, value):
    return lambda arrays: arrays.__setitem__(name, value)


M = "components.0.density."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop(M + "mu"), "array 'components.0.density.mu' is missing"),
        (replace("more", np.zeros(1)), "array 'more' is not part of such a model"),
        (
            replace("encoder.scale", np.ones(3, np.float32)),
            "array 'encoder.scale' must be F64 of (3,), got F32 of (3,)",
        ),
        (
            replace("encoder.centre", np.zeros((3, 1))),
            "array 'encoder.centre' must be F64 of (3,), got F64 of (3, 1)",
        ),
        (
            set_item("encoder.centre", 1, np.nan),
            "array 'encoder.centre' holds values that are not finite",
        ),
        (
            set_item("networks.0.estimation.layers.0.bias", 0, np.inf),
            "array 'networks.0.estimation.layers.0.bias' holds values that are not finite",
        ),
        (set_item("encoder.scale", 0, 0.0), "array 'encoder.scale' must be > 0"),
        (set_item("encoder.scale", 0, -1.0), "array 'encoder.scale' must be > 0"),
        (set_item("encoder.exponent", 0, 10**9), "array 'encoder.exponent' must be within +-1100"),
        (
            set_item("encoder.exponent", 0, np.iinfo(np.int64).min),
            "array 'encoder.exponent' must be within +-1100",
        ),
        (set_item("encoder.spread", 0, 0.0), "array 'encoder.spread' must be > 0"),
        (
            set_item("encoder.correlation", (0, 1), 0.5),
            "array 'encoder.correlation' must be symmetric and positive definite",
        ),
        (
            replace("encoder.correlation", np.ones((3, 3))),
            "array 'encoder.correlation' must be symmetric and positive definite",
        ),
        (set_item(M + "phi", 0, 0.0), f"array '{M}phi' must be > 0 with sum 1"),
        (set_item(M + "phi", 0, -0.5), f"array '{M}phi' must be > 0 with sum 1"),
        (set_item(M + "phi", 0, 7.0), f"array '{M}phi' must be > 0 with sum 1"),
        (
            set_item(M + "chol", (0, 0, 1), 1.0),
            f"array '{M}chol' must be lower triangular with a diagonal > 0",
        ),
        (
            set_item(M + "chol", (0, 1, 1), 0.0),
            f"array '{M}chol' must be lower triangular with a diagonal > 0",
        ),
    ],
)
def test_arrays_a_model_cannot_have_are_refused(saved, change, message):
    file = write_arrays(saved, change)
    refused(saved, f"restore: {str(file)!r} is damaged: {message}.")


C = "components.4.density."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            replace(C + "mu", np.zeros((4, 2))),
            f"array '{C}mu' must be F64 of (4, 3), got F64 of (4, 2)",
        ),
        (set_item(C + "phi", (0, 0), -0.1), f"array '{C}phi' must be >= 0 with sum 1"),
        (set_item(C + "phi", (0, 0), 0.9), f"array '{C}phi' must be >= 0 with sum 1"),
        (set_item(C + "deviation", (1, 1), 0.0), f"array '{C}deviation' must be > 0"),
    ],
)
def test_marginal_mixtures_a_model_cannot_have_are_refused(
    fitted_detector, tmp_path, change, message
):
    fitted_detector.save(tmp_path / "m")
    file = write_arrays(tmp_path / "m", change)
    expected = f"restore: {str(file)!r} is damaged: {message}."
    refused(tmp_path / "m", expected, DAGMMDetector.load)


def drop_network(components):
    del components[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c[4].update(weight=0.5),
            "components must be components whose weights add up to 1, got ",
        ),
        (lambda c: c[4].update(weight=0.0), "components.4.weight must be in (0, 1], got 0.0"),
        (
            lambda c: c[4].update(surprisal=None),
            "components.4 must be a surprisal, as there are several components, got ",
        ),
        (
            lambda c: c[4]["surprisal"].update(excess=0.0),
            "components.4.surprisal.excess must be above 1e-100, at most 1e+100, got 0.0",
        ),
        (
            lambda c: c[4].update(kind="dense"),
            "components.4.kind must be one of ",
        ),
        (
            lambda c: c[4]["density"].update(n_components=0),
            "components.4.density.n_components must be from 1 to 16777216, got 0",
        ),
        (
            lambda c: c[0].update(network=2),
            "components.0.network must be null or a network, of which there are 2, got 2",
        ),
        (
            lambda c: c[3].update(view=2),
            "components.3.view must be null or a view, of which there are 2, got 2",
        ),
        (lambda c: c[1].update(view=None), "components.1.view must be that of its network"),
        (drop_network, "components must be components of every network, got "),
        (lambda c: c.clear(), "components must be a list of 1 to 65536 entries, got []"),
    ],
)
def test_components_that_cannot_be_are_refused(fitted_detector, tmp_path, change, message):
    fitted_detector.save(tmp_path / "m")
    plain = read(tmp_path / "m")
    change(plain["components"])
    write(tmp_path / "m", plain)
    with pytest.raises(ModelFileError) as caught:
        DAGMMDetector.load(tmp_path / "m")
    expected = f"restore: {str(tmp_path / 'm' / 'manifest.json')!r} is damaged: {message}"
    assert str(caught.value).startswith(expected)


def test_giant_arrays_are_not_made(saved):
    plain = read(saved)
    plain["networks"][0]["comp_hiddens"] = [2**24, 2**24, 2]
    write(saved, plain)
    with pytest.raises(ModelFileError, match=r"array 'networks\.0\.compression\.decoder\."):
        DAGMM.load(saved)
    header = {"a": {"dtype": "F64", "shape": [2**50], "data_offsets": [0, 2**53]}}
    text = json.dumps(header).encode()
    (saved / plain["arrays"]).write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(ModelFileError, match="is damaged: Error while deserializing header"):
        DAGMM.load(saved)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            ("encoder", "numbers"),
            ["x0", "x2"],
            "encoder.numbers must be the columns that are neither text nor dates, in their order, "
            "got ['x0', 'x2']",
        ),
        (
            ("encoder", "columns"),
            ["x0", "x0"],
            "encoder.columns must be a list of strings that are all different, got ['x0', 'x0']",
        ),
        (
            ("encoder", "scaling"),
            "log",
            "encoder.scaling must be one of standard, minmax, none, got 'log'",
        ),
        (("encoder", "lost"), -1.0, "encoder.lost must be from 0 to 1e12, got -1.0"),
        (
            ("encoder", "asset"),
            {"column": "x0", "name": "p1"},
            "encoder.asset must be named by a column that is not described, got {'column': 'x0', "
            "'name': 'p1'}",
        ),
        (("encoder", "fills_holes"), 1, "encoder.fills_holes must be true or false, got 1"),
        (
            ("encoder", "fills_holes"),
            False,
            "encoder.is_correlated must be false where there are no numbers or no holes are "
            "filled, got True",
        ),
        (
            ("encoder", "masks"),
            ["x2", "x0"],
            "encoder.masks must be columns of the table, in their order, got ['x2', 'x0']",
        ),
        (
            ("encoder", "unused_columns"),
            [{"name": "x0", "reason": "drop", "why": ""}],
            "encoder.unused_columns must be columns that are all different and not used, got "
            "[{'name': 'x0', 'reason': 'drop', 'why': ''}]",
        ),
        (
            ("encoder", "unused_columns"),
            [{"name": "x9", "reason": "none", "why": ""}],
            "encoder.unused_columns.0.reason must be one of drop, time, group, identifier, date, "
            "empty, got 'none'",
        ),
        (
            ("encoder", "dates"),
            [{"name": "x0", "cycles": ["year"], "order": "", "format": "", "clock": ""}],
            "encoder.dates.0.cycles must be some of day, week, got ['year']",
        ),
        (
            ("encoder", "dates"),
            [{"name": "x0", "cycles": ["day"], "order": "year", "format": "", "clock": ""}],
            "encoder.dates.0.order must be one of , day, month, got 'year'",
        ),
        (
            ("encoder", "dates"),
            [{"name": "x0", "cycles": ["day"], "order": "", "format": "%H", "clock": ""}],
            "encoder.dates.0.format must be a format of dates, got '%H'",
        ),
        (
            ("encoder", "date_readings"),
            [{"name": "x0", "order": "day", "format": "", "clock": ""}],
            "encoder.date_readings must be columns that are all different and not used, got "
            "[{'clock': '', 'format': '', 'name': 'x0', 'order': 'day'}]",
        ),
        (
            ("networks", 0, "n_features"),
            4,
            "networks.0.n_features must be 3, the width of an encoded row, got 4",
        ),
        (
            ("components", 0, "weight"),
            2.0,
            "components.0.weight must be in (0, 1], got 2.0",
        ),
        (
            ("networks", 0, "est_dropout_ratio"),
            1.0,
            "networks.0.est_dropout_ratio must be in [0, 1), got 1.0",
        ),
        (
            ("components", 0, "density", "n_components"),
            True,
            "components.0.density.n_components must be a whole number, got True",
        ),
        (
            ("networks", 0, "shape"),
            [3],
            "networks.0.shape must be [], or 2 or 3 sizes whose product is 3, the width of an "
            "encoded row, got [3]",
        ),
        (
            ("networks", 0, "shape"),
            [3, 2],
            "networks.0.shape must be [], or 2 or 3 sizes whose product is 3, the width of an "
            "encoded row, got [3, 2]",
        ),
        (
            ("networks", 0, "shape"),
            [1, 1, 1, 3],
            "networks.0.shape must be a list of 0 to 3 entries, got [1, 1, 1, 3]",
        ),
        (("networks",), [], "networks must be a list of 1 to 4096 entries, got []"),
        (("threshold",), "nan", "threshold must be an object, got 'nan'"),
        (("record", "n_rows"), 0.5, "record.n_rows must be a whole number, got 0.5"),
        (
            ("record", "diagnostics"),
            [],
            "record.diagnostics must be a list of 1 to 1 entries, got []",
        ),
        (("more",), 1, "the manifest has an unknown field 'more'"),
    ],
)
def test_field_that_is_wrong_is_named(saved, path, value, message):
    write(saved, changed(read(saved), path, lambda owner, name: owner.__setitem__(name, value)))
    refused(saved, f"restore: {str(saved / 'manifest.json')!r} is damaged: {message}.")


def test_missing_field_is_named(saved):
    write(saved, changed(read(saved), ("components", 0, "weight"), lambda o, name: o.pop(name)))
    refused(
        saved,
        f"restore: {str(saved / 'manifest.json')!r} is damaged: components.0 has no 'weight'.",
    )


THRESHOLD = Threshold(1.0, "a stated energy").plain()


def test_model_of_the_other_class_is_refused(fitted_detector, saved, tmp_path):
    fitted_detector.save(tmp_path / "d")
    refused(
        tmp_path / "d",
        f"restore: {str(tmp_path / 'd')!r} holds a DAGMMDetector, this is a DAGMM; "
        "use DAGMMDetector.load.",
    )
    refused(
        saved,
        f"restore: {str(saved)!r} holds a DAGMM, this is a DAGMMDetector; use DAGMM.load.",
        DAGMMDetector.load,
    )


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("arguments", "depth"), 3, "DAGMM has no argument 'depth'"),
        (("arguments", "lambda1"), {}, "argument 'lambda1' cannot be {}"),
        (
            ("arguments", "feature_names_in_"),
            ["a"],
            "feature_names_in_ must be the columns or null",
        ),
        (("threshold",), THRESHOLD, "threshold must not be there"),
    ],
)
def test_refused_model_changes_nothing(fitted, saved, path, value, message):
    write(saved, changed(read(saved), path, lambda owner, name: owner.__setitem__(name, value)))
    refused(saved, f"restore: {str(saved)!r} is damaged: {message}.")
    energy = fitted.predict(normal())
    with pytest.raises(ModelFileError):
        fitted.restore(saved)
    np.testing.assert_array_equal(fitted.predict(normal()), energy)


def test_model_can_be_moved(fitted, saved, tmp_path):
    shutil.move(saved, tmp_path / "moved")
    np.testing.assert_array_equal(
        DAGMM.load(tmp_path / "moved").predict(normal()), fitted.predict(normal())
    )


# What a model knows of normal rows ---------------------------------------------------------


def test_calibration_is_saved_and_read_back(fitted_detector, tmp_path):
    fitted_detector.save(tmp_path / "m")
    known = fitted_detector.model_.calibration
    again = DAGMMDetector.load(tmp_path / "m")
    np.testing.assert_array_equal(
        again.model_.calibration.reference_values, known.reference_values
    )
    np.testing.assert_array_equal(again.model_.calibration.training.energy, known.training.energy)
    np.testing.assert_array_equal(again.model_.calibration.held_out.energy, known.held_out.energy)
    assert again.model_.calibration.held_out_are == known.held_out_are
    again.calibrate(normal(60, seed=2)).save(tmp_path / "m")
    last = DAGMMDetector.load(tmp_path / "m").model_.calibration
    np.testing.assert_array_equal(last.held_out.energy, again.model_.calibration.held_out.energy)
    assert last.reference_are == "rows of a calibration table"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c.update(training=None),
            "calibration.training must be an object, got None.",
        ),
        (lambda c: c.pop("held_out"), "calibration has no 'held_out'."),
        (
            lambda c: c["training"].update(n_kept=3),
            "calibration.training.n_kept must be n_rows, at most 20000, got 3.",
        ),
        (
            lambda c: c["training"].update(n_rows=0),
            "calibration.training.n_rows must be from 1 to 4611686018427387904, got 0.",
        ),
    ],
)
def test_calibration_that_cannot_be_is_refused(saved, change, message):
    plain = read(saved)
    change(plain["calibration"])
    write(saved, plain)
    with pytest.raises(ModelFileError) as caught:
        DAGMM.load(saved)
    start = f"restore: {str(saved / 'manifest.json')!r} is damaged: {message}"
    assert str(caught.value).startswith(start)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("energy", 1e9, "array 'calibration.training.energy' must be in ascending order."),
        ("rank", 7, "array 'calibration.training.rank' must ascend from at least 0 to 39."),
    ],
)
def test_energies_out_of_order_are_refused(saved, name, value, message):
    def change(arrays):
        arrays[f"calibration.training.{name}"][0] = value

    file = write_arrays(saved, change)
    refused(saved, f"restore: {str(file)!r} is damaged: {message}")
