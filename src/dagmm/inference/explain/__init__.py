"""Why a row is strange: the nearest row that would be normal, and what each column adds."""
