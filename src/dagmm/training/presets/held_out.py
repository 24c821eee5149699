"""Which rows are left out of a fit: of each network's, or of all."""

#: Of fewer rows none are left out: each counts, and a quarter of them would say nothing.
FEWEST_ROWS = 20
#: Parts of a table's rows, of which each network leaves one out, where there are fewer than these
#: and where there are more: the tenths of four networks are then 500 rows, as many as the tail of
#: energies is fitted to, and networks that see more rows differ less.
MANY_ROWS = 1250
FOLDS_OF_FEW, FOLDS_OF_MANY = 4, 10
#: From so many rows on some are held out of the fit altogether. In smaller tables, where each row
#: counts for detection and a tenth of them would say little, each network leaves out others.
HELD_OUT_FROM_ROWS = 10_000
#: The same where networks leave out nothing: smaller tables are fitted to whole.
HELD_OUT_FROM_ROWS_WITHOUT_FOLDS = 5000
#: Share that is held out, and the most rows, which are enough for a threshold's tail.
HELD_OUT_SHARE, MOST_HELD_OUT = 0.1, 20_000
#: Blocks of time that are held out of a large table.
N_BLOCKS = 10
#: Where less than this share of the windows would be left to a network, all are fitted to all.
LEAST_LEFT = 0.4
