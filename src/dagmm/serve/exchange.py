"""Figures of several processes: each leaves its own in a directory, and any reads them all."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagmm._core.atomic_files import part_of
from dagmm.serve.figures import Figures, as_json, joined


class Exchange:
    """Joins the figures of this process with those of others.

    A process that was killed is counted on by what it left last: counters never fall.

    Parameters
    ----------
    figures : Figures
        Of this process.
    directory : str or None
        Where processes leave theirs; None where there is but one process.
    """

    def __init__(self, figures: Figures, directory: str | None) -> None:
        self._figures = figures
        self._directory = None if directory is None else Path(directory)
        # The number of a process that is gone may come again.
        self._own = f"{os.getpid()}-{secrets.token_hex(4)}.json"

    def publish(self) -> None:
        """Leave the figures of this process."""
        if self._directory is None:
            return
        file = self._directory / self._own
        part = part_of(file)
        # Nobody needs them after a power cut, so nothing is synchronised.
        part.write_bytes(as_json(self._figures.plain()))
        part.replace(file)

    def all(self) -> dict[str, Any]:
        """Return the figures of all processes, those of others as of a second ago."""
        return joined([self._figures.plain(), *self._others()])

    def _others(self) -> list[Mapping[str, Any]]:
        if self._directory is None:
            return []
        found = []
        for file in sorted(self._directory.glob("[0-9]*.json")):
            if file.name != self._own:
                found.append(json.loads(file.read_bytes()))
        return found
