"""Windows: a row together with the rows of its asset before it."""

from dagmm.windows.folds import folds_of as folds_of
from dagmm.windows.history import History as History
from dagmm.windows.learning import Series as Series
from dagmm.windows.learning import series_of as series_of
from dagmm.windows.length import WindowLength as WindowLength
from dagmm.windows.succession import Succession as Succession
from dagmm.windows.view import DETAILS as DETAILS
from dagmm.windows.view import Detail as Detail
from dagmm.windows.view import Inputs as Inputs
from dagmm.windows.view import View as View
from dagmm.windows.view import Windowed as Windowed
from dagmm.windows.view import WindowInputs as WindowInputs
from dagmm.windows.view import inputs_of as inputs_of
from dagmm.windows.view import levels_apart as levels_apart
from dagmm.windows.view import scaled_view as scaled_view
from dagmm.windows.wandering import wandering as wandering
from dagmm.windows.windows import Windows as Windows

__all__ = [
    "DETAILS",
    "Detail",
    "History",
    "Inputs",
    "Series",
    "Succession",
    "View",
    "WindowInputs",
    "WindowLength",
    "Windowed",
    "Windows",
    "folds_of",
    "inputs_of",
    "levels_apart",
    "scaled_view",
    "series_of",
    "wandering",
]
