"""DAGMM beside the methods that the field knows, on the same split of a table."""

from dagmm.comparison.result import Comparison as Comparison
from dagmm.comparison.result import MethodResult as MethodResult
from dagmm.comparison.running import compare as compare
