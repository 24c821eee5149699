"""From a saved model to a graph of ONNX."""

from typing import Any

from dagmm.inference.export.export import export_onnx
from dagmm.inference.persistence.directory import load_model

#: Most inputs that are named in words.
_LISTED = 8


def in_words(result: dict[str, Any]) -> dict[str, Any]:
    """Return what was written with no more inputs named than can be read."""
    names = result["inputs"]
    if len(names) <= _LISTED:
        return result
    return result | {"inputs": [*names[:_LISTED], f"and {len(names) - _LISTED} more"]}


def export_model(path: str, output: str, force: bool) -> dict[str, Any]:
    """Write the graph.

    Returns
    -------
    dict
        What to tell the user, as plain data.

    Raises
    ------
    DAGMMError, OSError
    """
    exported = export_onnx(load_model(path).model, output, force=force)
    check = exported.check
    return {
        "output": "standard output" if output == "-" else output,
        "bytes": exported.n_bytes,
        "inputs": list(exported.inputs),
        "outputs": list(exported.outputs),
        "checked_with": check.runtime,
        "checked_rows": check.n_rows,
        "difference": check.difference,
        "rounding": check.rounding,
    }
