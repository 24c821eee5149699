"""Models of many assets that score a table as one."""
