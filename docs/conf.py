"""The site: one tree of pages a language, the same structure in both.

``make docs`` builds both; ``DAGMM_DOCS_LANGUAGE`` chooses here, as Sphinx reads its language from
this file.
"""

import hashlib
import importlib.util
import os
import sys
import unicodedata
from pathlib import Path

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from sphinx.application import Sphinx

import dagmm

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from links import ROOT, rewritten  # noqa: E402, of this folder

SOURCE = Path(dagmm.__file__).parent

project = "dagmm"
author = "the authors of dagmm"
release = version = dagmm.__version__
language = os.environ.get("DAGMM_DOCS_LANGUAGE", "en")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
]
templates_path = [str(HERE / "_templates")]
nitpicky = False

# Pages: MyST Markdown, in which anchors of headings are as on other readers of Markdown.
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 4

# Notebooks run when the site is built; an error in a cell ends the build. Both languages have the
# same code, so that what one has printed serves the other, until the code of the package changes.
nb_execution_mode = "cache"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
# Each starts in an empty folder, and shows nothing that it says on standard error.
nb_execution_in_temp = True
nb_output_stderr = "warn"


def _digest_of_the_source() -> str:
    digest = hashlib.sha256()
    for path in sorted(SOURCE.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


nb_execution_cache_path = str(ROOT / "build" / "notebooks" / _digest_of_the_source())

# Names of the API come from docstrings, as numpydoc reads them.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = f"dagmm {release}"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
# The text around what a search finds would be fetched, which pages opened from a disk may not.
html_show_search_summary = False
html_search_options = {"type": "japanese.Splitter"} if language == "ja" else {}
html_css_files = ["dagmm.css"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_context = {"other_language": "ja" if language == "en" else "en"}


def _mathjax() -> Path:
    """MathJax as one file of a package, so that formulas show without a network."""
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("formulas need sphinx-mathjax-offline; make docs installs it")
    return Path(spec.origin).parent / "static" / "mathjax" / "tex-svg.js"


html_static_path = [str(HERE / "_static"), str(_mathjax())]
mathjax_path = "tex-svg.js"


def _fit_links(app: Sphinx, docname: str, content: list[str]) -> None:
    tree = Path(app.srcdir)
    content[0] = rewritten(content[0], tree / f"{docname}.md", tree)


def _fit_included_links(app: Sphinx, included: Path, docname: str, content: list[str]) -> None:
    content[0] = rewritten(content[0], (Path(app.srcdir) / included).resolve(), Path(app.srcdir))


def _join_lines(app: Sphinx, doctree: nodes.document) -> None:
    """Drop ends of lines between characters of Japanese, which browsers show as spaces."""
    for parent in doctree.findall(nodes.TextElement):
        # By place, as ends of lines are all equal; backwards, as some of them go.
        for place in range(len(parent) - 2, 0, -1):
            before, text, after = parent[place - 1 : place + 2]
            around = before.astext()[-1:] + after.astext()[:1]
            if text == "\n" and all(unicodedata.east_asian_width(one) in "WF" for one in around):
                del parent[place]


def _fill_downloads(app: Sphinx, exception: Exception | None) -> None:
    """Put into notebooks what they have shown, which those from the cache lack."""
    if exception is not None:
        return
    cache = get_cache(nb_execution_cache_path)
    for path in (Path(app.outdir) / "_downloads").glob("*/*.ipynb"):
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        nbformat.write(cache.merge_match_into_notebook(notebook)[1], path)


def setup(app: Sphinx) -> None:
    """Connect the events of a build."""
    app.connect("source-read", _fit_links)
    app.connect("include-read", _fit_included_links)
    app.connect("doctree-read", _join_lines)
    app.connect("build-finished", _fill_downloads)
