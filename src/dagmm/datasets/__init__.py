"""Data: simulated, from scikit-learn, loaders of public sets, and of files of your own."""

from dagmm.data.image_folder import image_folder as image_folder
from dagmm.data.read_table import read_table as read_table
from dagmm.datasets.arrays import adbench as adbench
from dagmm.datasets.arrays import odds as odds
from dagmm.datasets.breast_cancer import breast_cancer as breast_cancer
from dagmm.datasets.breast_cancer import split_normal as split_normal
from dagmm.datasets.idx import idx as idx
from dagmm.datasets.kddcup99 import kddcup99 as kddcup99
from dagmm.datasets.labelled import Labelled as Labelled
from dagmm.datasets.plant import FAULTS as FAULTS
from dagmm.datasets.plant import NORMAL as NORMAL
from dagmm.datasets.plant import SENSORS as SENSORS
from dagmm.datasets.plant import simulated_plant as simulated_plant
from dagmm.datasets.skab import skab as skab
from dagmm.datasets.tennessee_eastman import tennessee_eastman as tennessee_eastman

__all__ = [
    "FAULTS",
    "NORMAL",
    "SENSORS",
    "Labelled",
    "adbench",
    "breast_cancer",
    "idx",
    "image_folder",
    "kddcup99",
    "odds",
    "read_table",
    "simulated_plant",
    "skab",
    "split_normal",
    "tennessee_eastman",
]
