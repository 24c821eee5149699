"""Whether new rows have left what a model knows, row by row and column by column."""
