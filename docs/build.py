"""Builds the site: ``python docs/build.py FOLDER``.

Both languages, warnings as errors, and a first page that leads to the reader's.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent


def build(site: Path, language: str) -> None:
    """Build the pages of one language into a folder of its name."""
    doctrees = site.parent / "doctrees" / language
    options = ["-q", "-W", "--keep-going", "-b", "html", "-c", DOCS, "-d", doctrees]
    subprocess.run(
        [sys.executable, "-m", "sphinx", *options, DOCS / language, site / language],
        check=True,
        env=os.environ | {"DAGMM_DOCS_LANGUAGE": language},
    )


def main() -> None:
    """Build the site into the folder that the command names."""
    site = Path(sys.argv[1]).resolve()
    # The second language takes what the notebooks of the first have shown.
    for language in ("en", "ja"):
        build(site, language)
        # What pages offer for download has been copied beside them.
        shutil.rmtree(site / "jupyter_execute", ignore_errors=True)
    shutil.copy(DOCS / "index.html", site / "index.html")
    print(f"the site is in {site}")


if __name__ == "__main__":
    main()
