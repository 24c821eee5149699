"""The directory of a checkpoint."""

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, NoReturn

from dagmm._core.atomic_files import PART, checksum_of, sync_directory, write_atomically
from dagmm._core.errors import ArgumentError, ModelFileError, ModelSaveError
from dagmm._core.json_fields import JsonField
from dagmm.training.checkpoint.identity import differences
from dagmm.training.checkpoint.member_file import MemberFile
from dagmm.training.schedule import TrainingConfig

#: Version of the directory's format; raised when an older library could not read it.
FORMAT_VERSION = 1
NAME = "checkpoint.json"
#: Says where the model goes, from just before it is saved until nothing is left to do.
SAVING = "saving.json"
#: A description larger than this is not one of ours.
MAX_BYTES = 16 * 2**20
_MEMBER = re.compile(r"member-\d+\.safetensors")


class Checkpoint:
    """A directory that keeps a training, its own or nobody's.

    Parameters
    ----------
    path : path-like
        A directory: with a checkpoint, empty, or one that can be made.

    Raises
    ------
    ArgumentError
        If it is none of these.
    """

    def __init__(self, path: object) -> None:
        if not isinstance(path, str | os.PathLike):
            raise ArgumentError(
                f"checkpoint must be the path of a directory, or None, got {path!r}."
            )
        self.directory = directory = Path(path)
        if not directory.exists():
            if not directory.parent.is_dir():
                raise ArgumentError(
                    f"checkpoint: {str(directory)!r} cannot be made, because "
                    f"{str(directory.parent)!r} is not a directory; make that first."
                )
            return
        if not directory.is_dir():
            raise ArgumentError(
                f"checkpoint: {str(directory)!r} is a file; a checkpoint is a directory."
            )
        names = [entry.name for entry in directory.iterdir()]
        if any(name not in (NAME, SAVING) and not _is_ours(name) for name in names):
            raise ArgumentError(
                f"checkpoint: {str(directory)!r} holds files that are not a checkpoint; "
                "choose another directory."
            )

    def resuming(self, epochs: list[int], of: int) -> str:
        """Say from where each member goes on: its epochs, or the span of those of many."""
        at = ", ".join(map(str, epochs)) if len(epochs) <= 8 else f"{min(epochs)} to {max(epochs)}"
        who = "1 member" if len(epochs) == 1 else f"{len(epochs)} members"
        return f"resuming from {str(self.directory)!r}: {who} at epoch {at} of {of}"

    def begin(self, training: dict[str, Any], config: TrainingConfig) -> list[MemberFile]:
        """Take the directory for a training, which may have begun there before.

        Parameters
        ----------
        training : dict
            What decides its result; see :func:`identity_of`.
        config : TrainingConfig

        Returns
        -------
        list of MemberFile
            One for each member.

        Raises
        ------
        ArgumentError
            If the directory keeps another training.
        ModelFileError
            If it is damaged or newer than this library.
        ModelSaveError
            If it cannot be written.
        """
        file = self.directory / NAME
        if file.exists():
            kept = self._read(file)
            if kept != training:
                raise ArgumentError(
                    f"checkpoint: {str(self.directory)!r} belongs to another fit, which differs "
                    f"in {differences(kept, training)}; choose another directory, or delete "
                    "that one."
                )
        else:
            self._claim(file, training)
        with contextlib.suppress(OSError):  # a leftover harms nobody
            self._remove(PART)
        digest = hashlib.sha256(json.dumps(training, sort_keys=True).encode()).hexdigest()
        return [
            MemberFile(self.directory / f"member-{i}.safetensors", digest, config)
            for i in range(training["members"])
        ]

    def announce(self, model: str | os.PathLike[str]) -> None:
        """Say that the model of this training is about to be saved in a directory.

        Raises
        ------
        ModelSaveError
            If that cannot be written.
        """
        file = self.directory / SAVING
        try:
            write_atomically(file, json.dumps({"model": str(Path(model).resolve())}).encode())
        except OSError as error:
            raise _not_written(file, error) from error

    def announced(self, model: str | os.PathLike[str]) -> bool:
        """Whether what is in a directory may be the model of this training, saved there before."""
        try:
            plain = json.loads((self.directory / SAVING).read_bytes())
        except (OSError, ValueError, RecursionError):
            return False  # whatever is there, it was not announced
        return plain == {"model": str(Path(model).resolve())}

    def delete(self) -> None:
        """Delete what is kept, and the directory; a part of it is still a checkpoint.

        Raises
        ------
        OSError
        """
        self._remove(PART)
        self._remove(_MEMBER)
        for name in (NAME, SAVING):  # the last says to the end whose the model is
            (self.directory / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody else may have put something there
            self.directory.rmdir()

    def _claim(self, file: Path, training: dict[str, Any]) -> None:
        """Say whose directory it is, before anything is kept there."""
        plain = {
            "format": "dagmm checkpoint",
            "format_version": FORMAT_VERSION,
            "training": training,
        }
        plain["checksum"] = checksum_of(plain)
        try:
            if any(_MEMBER.fullmatch(entry.name) for entry in _entries(self.directory)):
                raise ModelFileError(
                    f"checkpoint: {str(file)!r} is missing, and nothing else says which fit the "
                    f"files in that directory belong to; delete {str(self.directory)!r} to start "
                    "anew."
                )
            self.directory.mkdir(exist_ok=True)
            sync_directory(self.directory.parent)
            write_atomically(file, json.dumps(plain, indent=1, allow_nan=False).encode())
        except OSError as error:
            raise _not_written(file, error) from error

    def _read(self, file: Path) -> dict[str, Any]:
        try:
            if file.stat().st_size > MAX_BYTES:
                raise ValueError(f"it is larger than {MAX_BYTES} bytes")
            plain = json.loads(file.read_bytes(), parse_constant=_refuse_constant)
            if not isinstance(plain, dict) or plain.get("format") != "dagmm checkpoint":
                raise ValueError("it was not written as a checkpoint")
            if plain.get("checksum") != checksum_of(plain):
                raise ValueError("its checksum does not belong to its content")
            version, training = (
                JsonField(plain.get(name), name) for name in ("format_version", "training")
            )
            version.size()
            if not isinstance(training.value, dict):
                training.fail("an object")
        except (ValueError, RecursionError) as error:
            raise ModelFileError(
                f"checkpoint: {str(file)!r} is damaged: {error}; delete {str(self.directory)!r} "
                "to start anew."
            ) from error
        except OSError as error:
            raise ModelFileError(
                f"checkpoint: {str(file)!r} cannot be read: {error.strerror or error}."
            ) from error
        if version.value != FORMAT_VERSION:
            raise ModelFileError(
                f"checkpoint: {str(file)!r} has format {version.value}, this dagmm reads "
                f"{FORMAT_VERSION}; use the dagmm that wrote it, or choose another directory."
            )
        return training.value

    def _remove(self, names: re.Pattern[str]) -> None:
        for entry in _entries(self.directory):
            if names.fullmatch(entry.name):
                entry.unlink(missing_ok=True)


def _not_written(file: Path, error: OSError) -> ModelSaveError:
    return ModelSaveError(
        error.errno, f"checkpoint: {str(file)!r} could not be written: {error.strerror}."
    )


def _is_ours(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in (_MEMBER, PART))


def _entries(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.exists() else []


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is not a number")
