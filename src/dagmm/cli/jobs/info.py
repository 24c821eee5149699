"""A saved model in words."""

from typing import Any

from dagmm.estimators.said import said_arguments
from dagmm.inference.description import description_of
from dagmm.inference.persistence.directory import load_model
from dagmm.inference.persistence.formats import FORMAT_VERSION
from dagmm.preprocessing.image_encoder import size_in_words
from dagmm.preprocessing.row_views import View

#: What a view shows, in words.
_SEEN: dict[View, str] = {
    "values": "encoded rows",
    "normal_scores": "normal scores of rows",
    "last_rows": "last rows of windows",
    "level": "levels of windows",
    "summary": "levels, spreads and movements of windows",
}


def describe(path: str) -> dict[str, Any]:
    """Return what a saved model holds, as plain data without its arrays.

    Raises
    ------
    ModelFileError
        If it cannot be read.
    """
    saved = load_model(path)
    return {
        "model": path,
        "estimator": saved.estimator,
        "dagmm_version": saved.library_version,
        "format": FORMAT_VERSION,
        "arguments": said_arguments(saved.estimator, saved.arguments),
        **description_of(saved.model),
    }


def _windows_in_words(windows: dict[str, Any]) -> str:
    by = " and ".join(name for name in (windows["time"], windows["group"]) if name is not None)
    words = [f"{windows['rows']} rows of {windows['interval']:g} s by {by}"]
    if windows["gap"] is not None:
        words.append(f"a gap from {windows['gap']:g} s on")
    if windows["step"] > 1:
        words.append(f"trained on every {windows['step']} rows")
    if windows["nonstationary_features"]:
        words.append(f"non-stationary columns: {', '.join(windows['nonstationary_features'])}")
    return "; ".join(words)


def in_words(description: dict[str, Any]) -> dict[str, Any]:
    """Return a description with each entry as text, or a list of lines."""
    words = dict(description)
    if "columns" in description:
        words |= _table_in_words(description)
        if "asset" in words:
            words["asset"] = f"{words['asset']['name']} (column {words['asset']['column']!r})"
        if "reading" in words:
            words["reading"] = _arguments_in_words(words["reading"])
        for name, value in words.pop("table").items():
            if value:
                words[name] = value if isinstance(value, str) else ", ".join(value)
    else:
        words["images"] = _images_in_words(description["images"])
    words["arguments"] = _arguments_in_words(description["arguments"]) or None
    if "tags" in words:
        words["tags"] = [f"{key}={value}" for key, value in description["tags"].items()]
    words["windows"] = words["windows"] and _windows_in_words(words["windows"])
    known = words["calibration"]
    words["calibration"] = f"{known['rows']} {known['rows_are']}"
    words["networks"] = [_network_in_words(network) for network in description["networks"]]
    words["input_densities"] = [
        f"{_density_in_words(one)} of {_SEEN[one['view']]}, {one['share']:.0%} of the energy"
        for one in description["input_densities"]
    ] or None
    return words


def _arguments_in_words(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _density_in_words(density: dict[str, Any]) -> str:
    n = density["components"]
    return f"{density['kind'].replace('_', ' ')} ({n} component{'s' * (n > 1)})"


def _table_in_words(description: dict[str, Any]) -> dict[str, Any]:
    return {
        "columns": [_column_in_words(column) for column in description["columns"]],
        "unused_columns": [
            f"{c['name']}: {c['why']}{', ' * ('written' in c)}{c.get('written', '')}"
            for c in description["unused_columns"]
        ]
        or None,
    }


def _images_in_words(images: dict[str, Any]) -> str:
    size = size_in_words((images["height"], images["width"], images["channels"]))
    return f"{size}, smoothed over {images['smoothing']:g} pixels"


def _column_in_words(column: dict[str, Any]) -> str:
    words = [column["kind"]]
    if "categories" in column:
        words.append(f"{column['categories']} categories")
    if "cycles" in column:
        words.append(f"place in the {' and in the '.join(column['cycles'])}")
    if "unit" in column:
        words.append(f"in {column['unit']}")
    if "written" in column:
        words.append(column["written"])
    if "had_holes" in column:
        words.append("had holes")
    return f"{column['name']} ({', '.join(words)})"


def _network_in_words(network: dict[str, Any]) -> str:
    compression, estimation = (
        "-".join(map(str, network[part])) for part in ("compression", "estimation")
    )
    kind = "convolutional compression" if network["shape"] else "compression"
    densities = ", ".join(map(_density_in_words, network["densities"]))
    share = sum(one["share"] for one in network["densities"])
    return (
        f"{kind} {compression} ({network['comp_activation']}) of {_SEEN[network['view']]}, "
        f"estimation {estimation} ({network['est_activation']}); {densities}, {share:.0%} of the "
        "energy"
    )
