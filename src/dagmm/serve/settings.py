"""What the service is told, as plain data that goes to each of its processes."""

from dataclasses import dataclass

from dagmm.serve.limits import Limits


@dataclass(frozen=True)
class Settings:
    """What the service is told.

    Parameters
    ----------
    model : str
        Directory of a saved model.
    name : str
        What the model is called in addresses.
    limits : Limits
    token : str or None
        What requests must bear.
    reload_seconds : float or None
        How often to look whether another model was saved; None for never.
    exchange : str or None
        Directory in which several processes leave their figures.
    """

    model: str
    name: str
    limits: Limits
    token: str | None = None
    reload_seconds: float | None = 1.0
    exchange: str | None = None
