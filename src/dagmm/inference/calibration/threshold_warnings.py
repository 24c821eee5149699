"""What there is to know before a threshold is trusted."""

from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.tail import Tail
from dagmm.inference.calibration.threshold import Threshold, ThresholdWarning

#: Below this p-value of its fit a tail is not to be trusted.
_POOR_FIT = 0.05

_TRAINING_ROWS = ThresholdWarning(
    "training_rows",
    "the energies are those of rows the model was fitted to; new rows have higher ones, so expect "
    "more alarms than stated, or calibrate with normal rows that it was not fitted to",
)
_RARE_OF_FEW = (
    "so rare an alarm is a guess, and the interval is wide; calibrate with normal rows of other "
    "days"
)


def warnings_of(calibration: Calibration, found: Threshold) -> tuple[ThresholdWarning, ...]:
    """Say what there is to know of the rows that a threshold was found from."""
    sample = calibration.reference
    warnings = [] if calibration.held_out is not None else [_TRAINING_ROWS]
    if sample.n_effective < sample.n_rows:
        said = f"{sample.n_rows} {calibration.reference_are} follow each other so closely that "
        worth = f"{sample.n_effective:.0f}"
        said += f"they say as much as about {worth} independent one{'' if worth == '1' else 's'}"
        share, low, high = found.share, found.share_low, found.share_high
        if found.method == "tail" and share is not None and share * sample.n_effective < 1.0:
            warnings.append(ThresholdWarning("dependent_rows", f"{said}: {_RARE_OF_FEW}"))
        elif share is not None and low is not None and high is not None and high > 2.0 * share:
            between = f"between {100.0 * low:.1f} and {100.0 * high:.1f} %"
            text = (
                f"{said}: {between} of later normal rows may lie above it instead of "
                f"{100.0 * share:.3g} %, and more where the columns move on; calibrate with "
                "normal rows of other days"
            )
            warnings.append(ThresholdWarning("dependent_rows", text))
    return tuple(warnings)


def doubts_of(tail: Tail) -> tuple[ThresholdWarning, ...]:
    """Say where a tail is not what was fitted to it."""
    if tail.p_fit >= _POOR_FIT:
        return ()
    text = (
        "the highest energies do not follow a generalised Pareto distribution (p = "
        f"{tail.p_fit:.2g}): what lies beyond them is a guess; calibrate with more normal "
        "rows, or allow more alarms"
    )
    return (ThresholdWarning("poor_tail_fit", text),)
