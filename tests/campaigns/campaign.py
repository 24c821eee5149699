"""Many cases, each made from its number: run, counted, gone on with after a stop.

A case either ends in an outcome, which is counted, or raises, which is a failure; a failure is
printed as a test that can be put into a file as it is.
"""

import contextlib
import faulthandler
import json
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagmm import DAGMMError

#: Seconds after which a case is said to hang, and after which the process is ended if it does.
PATIENCE, LAST_PATIENCE = 120, 300


@dataclass(frozen=True)
class Campaign:
    """Cases of one kind.

    Parameters
    ----------
    name : str
        Of the module, too.
    check : callable
        Takes the number of a case, and returns its outcome or raises.
    n_cases : int
        How many a whole campaign has.
    describe : callable
        Takes the number of a case, and returns what it is in words.
    """

    name: str
    check: Callable[[int], str]
    n_cases: int
    describe: Callable[[int], str] = lambda seed: ""


@contextlib.contextmanager
def no_hang(seconds: int = PATIENCE) -> Iterator[None]:
    """Raise in what takes too long; end the process where even that does not help."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"it took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    faulthandler.dump_traceback_later(LAST_PATIENCE, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


def is_ours(error: BaseException) -> bool:
    """Whether an error is one that dagmm raises on purpose."""
    if isinstance(error, DAGMMError):
        return True
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    return type(error) in (ValueError, TypeError) and "/dagmm/" in last


def run(campaign: Campaign, n_cases: int, place: Path) -> int:
    """Run what has not been run yet; return how many failed, of all.

    Parameters
    ----------
    campaign : Campaign
    n_cases : int
        Cases 0 to ``n_cases`` - 1 have been run afterwards.
    place : Path
        Directory that keeps how far it is.
    """
    file = place / f"{campaign.name}.json"
    state: dict[str, Any] = {"next": 0, "seconds": 0.0, "outcomes": {}, "failures": []}
    if file.exists():
        state = json.loads(file.read_text())
    # A case that was begun and did not end may have been stopped by whoever runs it, once.
    begun = state.pop("begun", 0)
    if begun > 1:
        _fail(campaign, state, state["next"], "it crashed or hung, and took its process with it")
        state["next"], begun = state["next"] + 1, 0
    outcomes, said = Counter(state["outcomes"]), time.monotonic()
    for seed in range(state["next"], n_cases):
        _keep(file, {**state, "begun": begun + 1})
        begun = 0
        began = time.monotonic()
        try:
            with no_hang():
                outcomes[campaign.check(seed)] += 1
        except Exception:
            _fail(campaign, state, seed, traceback.format_exc(limit=-6))
        state["seconds"] += time.monotonic() - began
        state |= {"next": seed + 1, "outcomes": dict(outcomes)}
        if time.monotonic() - said > 60:
            said = time.monotonic()
            print(_summary(campaign, state, n_cases), file=sys.stderr, flush=True)
    _keep(file, state)
    print(_summary(campaign, state, n_cases), flush=True)
    return len(state["failures"])


def _fail(campaign: Campaign, state: dict[str, Any], seed: int, why: str) -> None:
    state["failures"].append(seed)
    print(
        f"\n# {campaign.describe(seed)}\n"
        f"def test_{campaign.name}_{seed}():\n"
        f"    {campaign.name}.check({seed})\n\n{why}",
        flush=True,
    )


def _keep(file: Path, state: dict[str, Any]) -> None:
    file.write_text(json.dumps(state))


def _summary(campaign: Campaign, state: dict[str, Any], n_cases: int) -> str:
    counted = ", ".join(f"{n} {what}" for what, n in sorted(state["outcomes"].items()))
    return (
        f"{campaign.name}: cases 0 to {state['next'] - 1} of {n_cases} in "
        f"{state['seconds']:.0f} s: {counted}; {len(state['failures'])} failed "
        f"{state['failures'][:20] or ''}".rstrip()
    )
