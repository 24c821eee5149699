"""Numbers as loggers write them: with units, in groups of three, with marks of holes."""
