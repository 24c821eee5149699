"""The encoder: a table's schema and the numbers that turn its rows into float32 features."""

from dagmm.encoder.dates import DateColumn as DateColumn
from dagmm.encoder.encoder import Encoder as Encoder
from dagmm.encoder.images import ImageEncoder as ImageEncoder
from dagmm.encoder.images import size_in_words as size_in_words
from dagmm.encoder.imputation import Imputation as Imputation
from dagmm.encoder.masks import Masks as Masks
from dagmm.encoder.numbers import ENCODED_LIMIT as ENCODED_LIMIT
from dagmm.encoder.numbers import SCALINGS as SCALINGS
from dagmm.encoder.numbers import NumberColumns as NumberColumns
from dagmm.encoder.numbers import Scaling as Scaling
from dagmm.encoder.overrides import Overrides as Overrides
from dagmm.encoder.set_aside import SetAside as SetAside
from dagmm.encoder.texts import MAX_CATEGORIES as MAX_CATEGORIES
from dagmm.encoder.texts import TextColumn as TextColumn

__all__ = [
    "ENCODED_LIMIT",
    "MAX_CATEGORIES",
    "SCALINGS",
    "DateColumn",
    "Encoder",
    "ImageEncoder",
    "Imputation",
    "Masks",
    "NumberColumns",
    "Overrides",
    "Scaling",
    "SetAside",
    "TextColumn",
    "size_in_words",
]
