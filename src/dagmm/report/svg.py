"""Figures as SVG that goes into a page: text stays text, colours are those of the page."""

import io
import re
import warnings
from collections.abc import Callable
from typing import Any

from dagmm.report.plots.canvas import BAND, CURVES, GUIDE, NORMAL, STRANGE, needs_matplotlib

#: Stands for the colour of the text while matplotlib draws.
_INK = "#010203"
#: What each colour is on the page, light or dark.
_COLOURS = {
    _INK: "var(--ink)",
    GUIDE: "var(--guide)",
    NORMAL: "var(--normal)",
    STRANGE: "var(--strange)",
    BAND: "var(--band)",
} | {colour: f"var(--curve-{i})" for i, colour in enumerate(CURVES) if i}
_SETTINGS = {
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "timezone": "UTC",
} | dict.fromkeys(
    ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK
)
#: Matplotlib measures text with a font that need not have every letter; the browser draws it.
_MEASURED = "Glyph .* missing from"


def svg_of(name: str, title: str, size: tuple[float, float], draw: Callable[[Any], None]) -> str:
    """Draw a figure.

    Parameters
    ----------
    name : str
        Letters and digits; makes the figure's identifiers differ from those of others.
    title : str
        What the figure shows, for those who cannot see it.
    size : tuple of float
        In inches.
    draw : callable
        Takes the axes.

    Returns
    -------
    str
        An ``svg`` element, the same for the same figure.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise needs_matplotlib("report") from error
    out = io.StringIO()
    settings: Any = _SETTINGS | {"svg.hashsalt": name}
    with rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", _MEASURED)
        drawn = Figure(figsize=size, layout="constrained")
        draw(drawn.subplots())
        drawn.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _for_page(out.getvalue(), name, title)


def _for_page(svg: str, name: str, title: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    view_box = re.search(r'viewBox="([^"]+)"', svg)
    assert view_box is not None, "matplotlib writes one"
    inner = svg[svg.index(">") + 1 :]
    inner = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', inner)
    inner = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', inner)
    inner = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", inner)
    # The page's own font, in the size that was asked for.
    inner = re.sub(r"font: (?:\w+ )*([\d.]+)px [^;\"]*", r"font-size: \1px", inner)
    inner = re.sub(r"; font-family: [^;\"]*|font-family: [^;\"]*;? ?", "", inner)
    for colour, variable in _COLOURS.items():
        inner = inner.replace(colour, variable)
    return (
        f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{view_box[1]}" role="img" '
        f'aria-label="{_attribute(title)}" data-figure="{name}">{inner.rstrip()}'
    )


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
