"""What an exported graph says of itself."""

import json
from typing import Any

from dagmm._version import __version__
from dagmm.inference.description import description_of
from dagmm.inference.export.column_inputs import ColumnInput, Kind
from dagmm.inference.export.model_graph import (
    ENERGY,
    LABEL,
    P_VALUE,
    SCORES,
    THRESHOLD,
    ModelGraph,
)
from dagmm.inference.fitted_model import FittedModel

#: Names of the entries, each of which holds JSON.
CARD, COLUMNS = "dagmm.model_card", "dagmm.columns"
_TAKES: dict[Kind, str] = {
    "number": "numbers; NaN is a hole",
    "text": "texts; an empty one is a hole",
    "date": "seconds since 1970-01-01 00:00 on the wall clock; NaN is a hole",
}
_SAID = {
    THRESHOLD: "energy above which a row is an anomaly, in nats; may be left out",
    LABEL: "-1 for an anomaly, 1 for a normal row",
    SCORES: "scikit-learn's decision function, the threshold less the energy; negative for an "
    "anomaly",
    ENERGY: "how rare a row is, minus the logarithm of a probability, in nats; higher is stranger",
    P_VALUE: "share of normal rows that are expected to be at least as strange",
}


def metadata_of(model: FittedModel, graph: ModelGraph) -> dict[str, str]:
    """Return the model's card and the columns that it takes, as texts of JSON."""
    described = description_of(model)
    texts = {text.name: text.categories for text in model.table_encoder.texts}
    inputs = {one.column: one for one in graph.columns}

    def column(plain: dict[str, Any]) -> dict[str, Any]:
        one = inputs[plain["name"]]
        known = {"categories": list(texts[one.column])} if one.column in texts else {}
        return plain | known | {"input": one.value.name, "takes": _TAKES[one.kind]}

    columns = [column(plain) for plain in described.pop("columns")]
    card = {"dagmm_version": __version__, **described}
    return {
        name: json.dumps(plain, ensure_ascii=False, allow_nan=False)
        for name, plain in ((CARD, card), (COLUMNS, columns))
    }


def said_of(columns: tuple[ColumnInput, ...]) -> dict[str, str]:
    """Return what each input takes and each output is, in words."""
    return _SAID | {one.value.name: _TAKES[one.kind] for one in columns}
