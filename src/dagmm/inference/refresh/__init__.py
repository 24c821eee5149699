"""A fitted model brought up to date with new normal rows, its networks as they are."""
