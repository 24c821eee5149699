"""An axis for energies: even among normal rows, and wide enough for the strangest."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class EnergyScale:
    """Places of energies on an axis: ``asinh((energy - centre) / width)``.

    Linear within a few widths of the centre and logarithmic beyond, in both directions.

    Parameters
    ----------
    centre, width : float
        Of the energies of normal rows, in nats.
    """

    centre: float
    width: float

    @classmethod
    def of(cls, energy: Float[np.ndarray, " n_rows"]) -> "EnergyScale":
        """Return the scale of median and interquartile range."""
        low, centre, high = np.percentile(energy, (25, 50, 75)) if len(energy) else (0.0, 0.0, 1.0)
        return cls(float(centre), float(high - low) or 1.0)

    def place(self, energy: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return where energies lie."""
        return np.asarray(np.arcsinh((energy - self.centre) / self.width))

    def energy(self, place: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return the energies at some places."""
        return np.asarray(self.centre + self.width * np.sinh(place))

    def ticks(self, low: float, high: float, most: int = 8) -> list[float]:
        """Return round energies that are spread evenly between two others."""
        ends = self.place(np.array([low, high]))
        step = (ends[1] - ends[0]) / (most - 0.4)
        places = np.linspace(ends[0] + 0.3 * step, ends[1] - 0.3 * step, most)
        found: list[float] = []
        for place, energy in zip(places, self.energy(places), strict=True):
            rounded = (float(f"{energy:.{digits}g}") for digits in (1, 2, 3, 6))
            near = (
                value
                for value in rounded
                if abs(self.place(np.array([value]))[0] - place) <= 0.25 * step
                and low <= value <= high
            )
            tick = next(near, None)
            if tick is not None and tick not in found:
                found.append(tick)
        return found


def short_number(value: float) -> str:
    """Write a number for an axis in a few characters."""
    if value == 0.0:
        return "0"
    exponent = int(np.floor(np.log10(abs(value))))
    if -4 < exponent < 6:
        return f"{value:,.6g}".replace("-", "\N{MINUS SIGN}")
    mantissa = f"{value / 10.0**exponent:.3g}".replace("-", "\N{MINUS SIGN}")
    power = f"10{str(exponent).translate(_SUPERSCRIPTS)}"
    return power if mantissa == "1" else f"{mantissa}\N{MULTIPLICATION SIGN}{power}"
