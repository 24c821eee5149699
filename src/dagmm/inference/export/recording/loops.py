"""Steps that are taken until a condition no longer holds."""

from collections.abc import Callable, Sequence

from dagmm.inference.export.recording.nodes import BOOL, INT, constant
from dagmm.inference.export.recording.recorded import Recorded
from dagmm.inference.export.recording.recorder import Body, Value


def repeat_while(
    goes_on: Callable[..., Recorded],
    step: Callable[..., Sequence[Recorded]],
    state: Sequence[Recorded],
    most: int,
) -> list[Recorded]:
    """Take a step again and again.

    Parameters
    ----------
    goes_on : callable
        Whether a state asks for another step: an array of shape ().
    step : callable
        Makes the next state.
    state : sequence of Recorded
        To begin with.
    most : int
        Steps, at most.
    """
    recorder = state[0].recorder
    inside = [Value(recorder.new_name(), one.dtype, one.shape) for one in state]
    counted = Value(recorder.new_name(), INT, ()), Value(recorder.new_name(), BOOL, ())
    with recorder.within() as nodes:
        after = list(step(*(Recorded(recorder, one) for one in inside)))
        results = [goes_on(*after), *after]
        body = Body((*counted, *inside), tuple(one.value for one in results), tuple(nodes))
    taken = [constant(recorder, most, INT), goes_on(*state), *state]
    kinds = [(one.dtype, one.shape) for one in state]
    made = recorder.node("Loop", [one.value.name for one in taken], kinds, body=body)
    return [Recorded(recorder, one) for one in made]
