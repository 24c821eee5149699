"""Other ways to find strange rows, behind one interface, to compare DAGMM with.

A baseline is fitted to encoded rows and returns how strange other rows are: higher is stranger,
on a scale of its own.
"""
