"""The report: one page that says what a model found, for readers who never heard of it."""

from dagmm.report.contents import Contents as Contents
from dagmm.report.making import Report as Report
from dagmm.report.making import make_report as make_report
