"""A page that can be saved, and shown in a notebook."""

import os
from html import escape

from dagmm.data.files.write import write_text


class SavedPage:
    """Base of what holds a page, ``html``."""

    html: str

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the page to a file that appears whole.

        Parameters
        ----------
        path : path-like
        force : bool, default=False
            Whether a file that exists may be replaced.

        Raises
        ------
        ArgumentError
            If the file exists and ``force`` is not set, or its directory does not exist.
        OSError
            If it cannot be written.
        """
        write_text(os.fspath(path), self.html, force=force)

    def _repr_html_(self) -> str:
        # Links within the page would otherwise lead to the notebook that shows it.
        page = self.html.replace("<head>", '<head>\n<base href="about:srcdoc">', 1)
        return (
            f'<iframe srcdoc="{escape(page)}" sandbox style="width: 100%; height: 45rem; '
            'border: 0"></iframe>'
        )
