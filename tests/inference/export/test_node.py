"""A graph scores in Node, with no Python in the process."""

import json
import subprocess
from pathlib import Path

import numpy as np

from node_packages import node_packages
from onnx_models import feeds_for, odd_table
from small_fits import tiny_config, tiny_detector

SCRIPT = Path(__file__).with_name("score.mjs")


def test_a_graph_scores_in_node(tmp_path, monkeypatch):
    packages = node_packages()
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    detector, rows = tiny_detector().fit(odd_table()), odd_table(300, 1, strange=True)
    exported = detector.export_onnx(tmp_path / "m.onnx")
    cells = {
        name: [None if cell != cell else cell for cell in values[:, 0].tolist()]
        for name, values in feeds_for(rows, {"energy": "column_energy"}).items()
    }
    (tmp_path / "rows.json").write_text(json.dumps(cells))
    command = ["node", SCRIPT, tmp_path / "m.onnx", tmp_path / "rows.json", packages]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    said = json.loads(result.stdout)
    # Node does not know of inputs that have a default.
    assert (*said["inputs"], "threshold") == exported.inputs
    found = {name: np.array(values) for name, values in said["outputs"].items()}
    energy = detector.energy(rows)
    np.testing.assert_allclose(found["energy"], energy, rtol=1e-5, atol=1e-5)
    sure = np.abs(energy - detector.threshold_["energy"]) > 1e-5 * np.maximum(1.0, energy)
    np.testing.assert_array_equal(found["label"][sure], detector.predict(rows)[sure])
    np.testing.assert_allclose(
        found["scores"], detector.decision_function(rows), rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(found["p_value"], detector.p_value(rows), rtol=0.02, atol=1e-6)
