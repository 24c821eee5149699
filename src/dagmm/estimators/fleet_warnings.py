"""What the fit of a fleet warns of, each once with the assets that it is about."""

import re
import warnings
from typing import TypeAlias

from dagmm._core.errors import TableWarning
from dagmm.estimators.fleet_base import in_words
from dagmm.inference.fleet.fitted_fleet import Asset, listed

#: What the fits of assets warned of, and which assets.
Said: TypeAlias = dict[tuple[type[Warning], str], list[str]]
_NUMBER = re.compile(r"[\d.,e+-]*\d")


def warn_of_assets(per: str, new: dict[str, Asset], said: Said) -> None:
    """Say of assets what there is to know, each once.

    Parameters
    ----------
    per : str
        The column that names them.
    new : dict of str to Asset
    said : Said
    """
    without = {name: one.why_not for name, one in new.items() if one.why_not}
    reasons: dict[str, list[str]] = {}
    for name, why_not in without.items():
        reasons.setdefault(why_not, []).append(name)
    for why_not, names in reasons.items():
        warnings.warn(
            f"{in_words(per, names)} scored by the model of all assets, without one of "
            f"{'their' if len(names) > 1 else 'its'} own: {why_not}",
            TableWarning,
            stacklevel=4,
        )
    alike: dict[tuple[type[Warning], str], tuple[str, list[str]]] = {}
    for (kind, text), names in said.items():
        # What differs in numbers alone is said once, with those of one asset.
        alike.setdefault((kind, _NUMBER.sub("", text)), (text, []))[1].extend(names)
    for (kind, _), (text, names) in alike.items():
        warnings.warn(f"{per} {listed(names)}: {text}", kind, stacklevel=4)
