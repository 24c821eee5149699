"""Windows: a row together with the rows of its asset before it."""
