"""Formulas taken down as graphs: arrays that record what is done with them."""
