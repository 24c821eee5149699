"""A saved model in words."""

from typing import Any

from dagmm.cli.roles import Roles
from dagmm.encoder import Encoder
from dagmm.fitted import Member
from dagmm.health import verdict_of
from dagmm.networks import activation_name
from dagmm.saving import FORMAT_VERSION, load_model


def describe(path: str) -> dict[str, Any]:
    """Return what a saved model holds, as plain data without its arrays.

    Raises
    ------
    ModelFileError
        If it cannot be read.
    """
    saved = load_model(path)
    model = saved.model
    record = model.record
    return {
        "model": path,
        "estimator": saved.estimator,
        "dagmm_version": saved.library_version,
        "format": FORMAT_VERSION,
        "columns": _columns(model.encoder),
        "table": Roles.of_record(record).plain(),
        "scaling": model.encoder.scaling,
        "members": [_member(member) for member in model.members],
        "threshold": model.threshold,
        "rows": record["n_rows"],
        "fingerprint": record["fingerprint"],
        "verdict": verdict_of(record["health"]),
    }


def in_words(description: dict[str, Any]) -> dict[str, Any]:
    """Return a description with each entry as text, or a list of lines."""
    words = dict(description)
    words["columns"] = [
        f"{column['name']} ({column['kind']}"
        + (f", {column['categories']} categories)" if "categories" in column else ")")
        for column in description["columns"]
    ]
    for name, value in words.pop("table").items():
        if value:
            words[name] = value if isinstance(value, str) else ", ".join(value)
    words["members"] = [_member_in_words(member) for member in description["members"]]
    return words


def _member_in_words(member: dict[str, Any]) -> str:
    compression, estimation = (
        "-".join(map(str, member[part])) for part in ("compression", "estimation")
    )
    return (
        f"compression {compression} ({member['comp_activation']}), estimation {estimation} "
        f"({member['est_activation']}), {member['components']} mixture components"
    )


def _columns(encoder: Encoder) -> list[dict[str, Any]]:
    categories = {text.name: len(text.categories) for text in encoder.texts}
    return [
        {"name": name, "kind": "text", "categories": categories[name]}
        if name in categories
        else {"name": name, "kind": "numbers"}
        for name in encoder.columns
    ]


def _member(member: Member) -> dict[str, Any]:
    architecture = member.architecture
    return {
        "compression": [architecture.n_features, *architecture.comp_hiddens],
        "comp_activation": activation_name("comp_activation", architecture.comp_activation),
        "estimation": [architecture.n_latent, *architecture.est_hiddens],
        "est_activation": activation_name("est_activation", architecture.est_activation),
        "est_dropout_ratio": architecture.est_dropout_ratio,
        "components": len(member.mixture.phi),
    }
