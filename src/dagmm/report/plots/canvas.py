"""Where plots are drawn, and their colours."""

from typing import Any

from dagmm._core.errors import MissingExtraError

#: Of the palette of Okabe and Ito, which colour-blind readers can tell apart.
NORMAL, STRANGE, BAND = "#0072b2", "#d55e00", "#56b4e9"
#: Lines that only guide the eye.
GUIDE = "#7f7f7f"
#: Of the curves of several members or terms, in this order.
CURVES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")


def needs_matplotlib(caller: str) -> MissingExtraError:
    """Return the error of a caller that found no matplotlib."""
    return MissingExtraError(f"{caller} needs the 'report' extra: pip install \"dagmm[report]\".")


def axes_for(ax: Any, caller: str, size: tuple[float, float] = (6.4, 3.6)) -> Any:
    """Return the axes that were given, or new ones that a notebook shows.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
    caller : str
        Who asks, for the error.
    size : tuple of float
        Of a new figure, in inches.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise needs_matplotlib(caller) from error
    return pyplot.subplots(figsize=size, layout="constrained")[1]
