"""The state of the service, for the page and for whoever asks."""

import time
from typing import Any

import numpy as np

from dagmm._core.visible import visible
from dagmm._version import __version__
from dagmm.serve.drift import drift_state
from dagmm.serve.service import Service


def status_of(service: Service) -> dict[str, Any]:
    """Return the state as JSON can hold it; figures are those of all processes."""
    served, figures = service.holder.served, service.exchange.all()
    model, now = served.model, time.time()
    errors = sum(count for _, status, count in figures["requests"] if status >= 400)
    quantiles, drift = {}, drift_state(figures["drift"], served)
    if figures["energies"]:
        shares = (0.5, 0.9, 0.99)
        found = np.quantile(figures["energies"], shares).tolist()
        quantiles = {str(share): energy for share, energy in zip(shares, found, strict=True)}
    return {
        "model": served.name,
        "version": served.version,
        "library": __version__,
        "columns": len(model.columns),
        "window": model.n_steps,
        "threshold": model.threshold,
        "problem": visible(service.holder.problem),
        "loaded_seconds_ago": round(now - served.loaded, 1),
        "up_seconds": round(now - service.began, 1),
        "rows": figures["rows"],
        "alarms": figures["alarms"],
        "requests": sum(count for _, _, count in figures["requests"]),
        "errors": errors,
        "energy_quantiles": quantiles,
        "drift": None if drift is None else drift.plain(),
        "last_alarms": figures["last_alarms"][::-1],
    }
