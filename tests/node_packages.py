"""Where onnxruntime-node is installed, for the tests that score in Node."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

VERSION = "1.30.0"
#: Kept from run to run: it is some 290 MB.
PACKAGES = Path(
    os.environ.get("DAGMM_NODE_PACKAGES")
    or Path(tempfile.gettempdir()) / f"dagmm-onnxruntime-node-{VERSION}-{os.getuid()}"
)


def node_packages():
    """Install it from the registry of npm at the first time; skip the test without Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed")
    if not (PACKAGES / "node_modules" / "onnxruntime-node").is_dir():
        PACKAGES.mkdir(parents=True, exist_ok=True)
        # Its own script would fetch what only graphics cards need.
        subprocess.run(
            ["npm", "install", f"onnxruntime-node@{VERSION}", "--ignore-scripts", "--no-audit"],
            cwd=PACKAGES,
            check=True,
            capture_output=True,
            timeout=300,
        )
    return PACKAGES
