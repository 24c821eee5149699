"""What a report of a bug shows, and completion in a shell."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, version

import pytest

import dagmm
from command import run
from dagmm.cli import versions
from documents import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def names_of(requirements):
    return {re.match(r"[\w.-]+", requirement)[0] for requirement in requirements}


def printed():
    """Lines of ``dagmm --version``: the first two, and versions by name."""
    result = run("--version")
    assert result.exit_code == 0
    first, second, *rest = result.stdout.splitlines()
    return first, second, rest


def test_the_first_line_is_the_version_and_the_second_the_platform():
    first, second, _ = printed()
    assert first == f"dagmm {dagmm.__version__}"
    assert second.startswith(f"Python {platform.python_version()} (")
    assert second.endswith(platform.platform())


def test_all_that_the_package_depends_on_is_named():
    # As the metadata of an installed package say it, which pyproject.toml may have left behind.
    names = names_of(metadata("dagmm").get_all("Requires-Dist"))
    *rest, last = printed()[2]
    if not last.startswith("not installed: "):
        rest, last = [*rest, last], "not installed: "
    missing = set(filter(None, last.removeprefix("not installed: ").split(", ")))
    found = dict(line.split(" ") for line in rest)
    assert set(found) | missing == names | {"jaxlib"}
    assert found == {name: version(name) for name in found}
    for name in missing:
        with pytest.raises(PackageNotFoundError):
            version(name)
    needed = names_of(PROJECT["dependencies"])
    assert needed <= set(found)


def test_sources_that_were_not_installed_say_what_is_known(monkeypatch):
    def nothing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(versions.metadata, "requires", nothing)
    assert len(list(versions.version_lines())) == 2


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_and_options(tmp_path):
    command = tmp_path / "dagmm"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dagmm "$@"\n', "utf-8")
    command.chmod(0o755)
    script = (
        'eval "$(dagmm --show-completion)"; complete -p dagmm\n'
        'complete_with() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()\n'
        '    _dagmm_completion dagmm; echo "${COMPREPLY[@]}"; }\n'
        "complete_with dagmm sc; complete_with dagmm sco --expl\n"
        "complete_with dagmm score --expl; complete_with dagmm score mod\n"
    )
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    out = subprocess.check_output(["bash", "-c", script], text=True, env=environment, cwd=tmp_path)
    assert out.splitlines() == [
        "complete -o default -F _dagmm_completion dagmm",
        "score",
        "",
        "--explain",
        "",  # bash completes names of files by itself
    ]
