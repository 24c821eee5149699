"""Private ground floor: errors, checks, numerics, compilation, threads, progress, whole files.

Knows no word of the domain.
"""
