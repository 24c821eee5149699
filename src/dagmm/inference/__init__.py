"""What a fitted model can do: energy, threshold, explanation, streams, saving and loading."""

from typing import TYPE_CHECKING, Any

from dagmm._core.lazy_imports import load

if TYPE_CHECKING:
    from dagmm.inference.batches import score_batches as score_batches
    from dagmm.inference.explain.alarm_events import AlarmEvents as AlarmEvents
    from dagmm.inference.explain.attribution import Explanation as Explanation
    from dagmm.inference.streaming import Stream as Stream
    from dagmm.inference.streaming import StreamScores as StreamScores

_HOMES = {
    "AlarmEvents": "dagmm.inference.explain.alarm_events",
    "Explanation": "dagmm.inference.explain.attribution",
    "Stream": "dagmm.inference.streaming",
    "StreamScores": "dagmm.inference.streaming",
    "score_batches": "dagmm.inference.batches",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(load(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'dagmm.inference' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
