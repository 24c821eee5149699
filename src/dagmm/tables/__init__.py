"""Tables in files: CSV and Parquet, read whole for a fit or as a stream for scoring, written.

Rows are counted from 0, without the header, as a DataFrame counts them. Where a message adds a
line of a CSV file, blank lines and line breaks inside quotes are not counted.
"""

from dagmm.tables.opening import open_table as open_table
from dagmm.tables.table_file import TableFile as TableFile
from dagmm.tables.table_file import TableOptions as TableOptions
from dagmm.tables.writing import check_target as check_target
from dagmm.tables.writing import open_sink as open_sink

__all__ = ["TableFile", "TableOptions", "check_target", "open_sink", "open_table"]
