"""What a killed writer leaves behind is deleted by the next; what is being written is not."""

import os
import subprocess
import sys

import pytest

from dagmm._core.part_files import open_part, remove_stale_parts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="parts are locked by POSIX")


def test_a_part_lies_beside_its_file_for_its_owner_alone(tmp_path):
    part, handle = open_part(tmp_path / "o.csv")
    assert part.parent == tmp_path
    assert part.name.startswith(".o.csv.")
    assert part.stat().st_mode & 0o777 == 0o600
    os.close(handle)


def test_a_part_whose_writer_was_killed_goes_and_others_stay(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from dagmm._core.part_files import open_part\n"
        "open_part(Path('o.csv')); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == -9
    assert len(list(tmp_path.iterdir())) == 1
    kept, handle = open_part(tmp_path / "o.csv")
    other, other_handle = open_part(tmp_path / "p.csv")
    os.close(other_handle)  # as dead as the first, but of another file
    mine = tmp_path / ".o.csv.mine.part"
    mine.write_text("mine")
    remove_stale_parts(tmp_path / "o.csv")
    assert set(tmp_path.iterdir()) == {kept, other, mine}
    os.close(handle)
    remove_stale_parts(tmp_path / "o.csv")
    assert set(tmp_path.iterdir()) == {other, mine}


def test_a_folder_that_cannot_be_listed_is_left_as_it_is(tmp_path):
    remove_stale_parts(tmp_path / "missing" / "o.csv")


def test_a_part_that_was_tidied_up_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    from dagmm._core import part_files

    lock, removed = part_files.try_lock, []

    def slow(handle):
        if not removed:
            removed.extend(tmp_path.iterdir())
            removed[0].unlink()
        return lock(handle)

    monkeypatch.setattr(part_files, "try_lock", slow)
    part, handle = open_part(tmp_path / "o.csv")
    os.close(handle)
    assert part.exists()
    assert part not in removed
