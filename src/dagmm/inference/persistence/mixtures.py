"""What a saved model judges rows by after its networks: the arrays, and back."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dagmm._core.json_fields import JsonField
from dagmm.inference.ensemble import Member
from dagmm.inference.persistence.encoders import Arrays, check_array
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.input_space import InputMixture
from dagmm.mixture.kernel_density import DrawnMixtures, KernelDensity
from dagmm.mixture.marginal import MarginalMixtures

#: Arrays of a member's own mixture.
_MIXTURE = ("phi", "mu", "chol")
#: Arrays of the mixtures of columns.
_COLUMNS = ("phi", "mu", "deviation")
#: Most components of the mixture of the rows that are read.
_MOST_COMPONENTS = 4096
#: What these and the mixture of the rows have beside their arrays.
_SCALE = ("location", "spread", "share")


def arrays_of_mixtures(member: Member, prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays of a member's mixtures by name."""
    arrays = {f"{prefix}mixture.{name}": getattr(member.mixture, name) for name in _MIXTURE}
    if member.drawn is None:
        return arrays
    for j, mixture in enumerate(member.drawn.mixtures):
        arrays[f"{prefix}drawn.{j}.mu"] = mixture.mu
        arrays[f"{prefix}drawn.{j}.deviation"] = mixture.deviation
    arrays[f"{prefix}drawn.location"] = member.drawn.location
    arrays[f"{prefix}drawn.spread"] = member.drawn.spread
    return arrays


def promised_mixtures(
    prefix: str, n_latent: int, n_components: int, drawn_components: Sequence[int]
) -> Arrays:
    """Type and shape of a member's arrays that :func:`arrays_of_mixtures` makes."""
    k, d = n_components, n_latent
    shapes: dict[str, tuple[int, ...]] = {
        "mixture.phi": (k,),
        "mixture.mu": (k, d),
        "mixture.chol": (k, d, d),
    }
    for j, n_drawn in enumerate(drawn_components):
        shapes |= {f"drawn.{j}.mu": (n_drawn, d), f"drawn.{j}.deviation": (d,)}
    if drawn_components:
        n_mixtures = 1 + len(drawn_components)
        shapes |= {"drawn.location": (n_mixtures,), "drawn.spread": (n_mixtures,)}
    return {prefix + name: ("F64", shape) for name, shape in shapes.items()}


def joined_mixture(prefix: str, arrays: dict[str, np.ndarray]) -> GaussianMixture:
    """Put a member's own mixture together.

    Raises
    ------
    ValueError
        Naming an array whose values a mixture cannot have.
    """
    phi, mu, chol = (arrays[f"{prefix}mixture.{name}"] for name in _MIXTURE)
    check_array(
        (phi > 0.0) & (abs(phi.sum() - 1.0) < 1e-6), f"{prefix}mixture.phi", "> 0 with sum 1"
    )
    _check_triangular(chol, f"{prefix}mixture.chol")
    return GaussianMixture(phi, mu, chol)


def joined_drawn(
    prefix: str, drawn_components: Sequence[int], arrays: dict[str, np.ndarray]
) -> DrawnMixtures | None:
    """Put the mixtures beside a member's own together, where there are any.

    Raises
    ------
    ValueError
        Naming an array whose values these mixtures cannot have.
    """
    if not drawn_components:
        return None
    mixtures = []
    for j in range(len(drawn_components)):
        name = f"{prefix}drawn.{j}.deviation"
        check_array(arrays[name] > 0.0, name, "> 0")
        mu = arrays[f"{prefix}drawn.{j}.mu"]
        mixtures.append(KernelDensity(mu, arrays[name]))
    location, spread = arrays[f"{prefix}drawn.location"], arrays[f"{prefix}drawn.spread"]
    check_array(spread > 0.0, f"{prefix}drawn.spread", "> 0")
    return DrawnMixtures(tuple(mixtures), location, spread)


def plain_of_columns(mixtures: MarginalMixtures | None) -> dict[str, Any] | None:
    """Return all of the mixtures of columns but their arrays as plain data."""
    if mixtures is None:
        return None
    return {"n_components": len(mixtures.phi), **_plain_scale(mixtures)}


def arrays_of_columns(mixtures: MarginalMixtures | None) -> dict[str, np.ndarray]:
    """Return the arrays of the mixtures of columns by name."""
    if mixtures is None:
        return {}
    return {f"columns.{name}": getattr(mixtures, name) for name in _COLUMNS}


def read_columns(field: JsonField, n_features: int) -> MarginalMixtures | None:
    """Check what a manifest says about the mixtures of columns.

    Returns
    -------
    MarginalMixtures or None
        With arrays of the promised shape that hold nothing yet.

    Raises
    ------
    ValueError
    """
    if field.value is None:
        return None
    n_components, *scale = field.fields("n_components", *_SCALE)
    none = np.broadcast_to(0.0, (n_components.size(), n_features))
    return MarginalMixtures(none, none, none, *_scale(*scale))


def promised_columns(mixtures: MarginalMixtures | None) -> Arrays:
    """Type and shape of the arrays that :func:`arrays_of_columns` makes."""
    shapes = arrays_of_columns(mixtures)
    return {name: ("F64", array.shape) for name, array in shapes.items()}


def joined_columns(
    mixtures: MarginalMixtures | None, arrays: dict[str, np.ndarray]
) -> MarginalMixtures | None:
    """Put the mixtures of columns together with their arrays.

    Raises
    ------
    ValueError
        Naming an array whose values these mixtures cannot have.
    """
    if mixtures is None:
        return None
    phi, mu, deviation = (arrays[f"columns.{name}"] for name in _COLUMNS)
    good = (phi >= 0.0) & (abs(phi.sum(axis=0) - 1.0) < 1e-6)
    check_array(good, "columns.phi", ">= 0 with sum 1")
    check_array(deviation > 0.0, "columns.deviation", "> 0")
    return replace(mixtures, phi=phi, mu=mu, deviation=deviation)


def plain_of_rows(rows: InputMixture | None) -> dict[str, Any] | None:
    """Return all of the mixture of the rows but its arrays as plain data."""
    return None if rows is None else {"phi": rows.mixture.phi.tolist(), **_plain_scale(rows)}


def arrays_of_rows(rows: InputMixture | None) -> dict[str, np.ndarray]:
    """Return the arrays of the mixture of the rows by name, components one below the other."""
    if rows is None:
        return {}
    mu, chol = rows.mixture.mu, rows.mixture.chol
    return {"rows.mu": mu.ravel(), "rows.chol": chol.reshape(-1, chol.shape[2])}


def read_rows(field: JsonField, n_features: int) -> InputMixture | None:
    """Check what a manifest says about the mixture of the rows.

    Returns
    -------
    InputMixture or None
        With arrays of the promised shape that hold nothing yet.

    Raises
    ------
    ValueError
    """
    if field.value is None:
        return None
    weights, *scale = field.fields("phi", *_SCALE)
    phi = np.array([part.number() for part in weights.items(_MOST_COMPONENTS, least=1)])
    if not ((phi > 0.0).all() and abs(phi.sum() - 1.0) < 1e-6):
        weights.fail("> 0 with sum 1")
    none = np.broadcast_to(0.0, (len(phi), n_features, n_features))
    return InputMixture(GaussianMixture(phi, none[:, 0], none), *_scale(*scale))


def promised_rows(rows: InputMixture | None) -> Arrays:
    """Type and shape of the arrays that :func:`arrays_of_rows` makes."""
    if rows is None:
        return {}
    k, d = rows.mixture.mu.shape
    return {"rows.mu": ("F64", (k * d,)), "rows.chol": ("F64", (k * d, d))}


def joined_rows(rows: InputMixture | None, arrays: dict[str, np.ndarray]) -> InputMixture | None:
    """Put the mixture of the rows together with its arrays.

    Raises
    ------
    ValueError
        Naming an array whose values it cannot have.
    """
    if rows is None:
        return None
    phi, shape = rows.mixture.phi, rows.mixture.mu.shape
    mu, chol = arrays["rows.mu"].reshape(shape), arrays["rows.chol"].reshape(*shape, shape[1])
    _check_triangular(chol, "rows.chol")
    return replace(rows, mixture=GaussianMixture(phi, mu, chol))


def _plain_scale(judge: MarginalMixtures | InputMixture) -> dict[str, float]:
    return {name: getattr(judge, name) for name in _SCALE}


def _scale(location: JsonField, spread: JsonField, share: JsonField) -> tuple[float, float, float]:
    if spread.number() <= 0.0:
        spread.fail("a number > 0")
    if not 0.0 < share.number() < 1.0:
        share.fail("in (0, 1)")
    return location.number(), spread.number(), share.number()


def _check_triangular(chol: np.ndarray, name: str) -> None:
    triangular = (np.tril(chol) == chol).all() & (chol.diagonal(axis1=1, axis2=2) > 0.0)
    check_array(triangular, name, "lower triangular with a diagonal > 0")
