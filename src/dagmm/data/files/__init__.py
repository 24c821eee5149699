"""Tables in files: CSV and Parquet, read whole for a fit or as a stream for scoring, written.

Rows are counted from 0, without the header, as a DataFrame counts them. Where a message adds a
line of a CSV file, blank lines and line breaks inside quotes are not counted.
"""
