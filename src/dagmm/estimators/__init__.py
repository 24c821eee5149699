"""``DAGMM`` and ``DAGMMDetector``: they check arguments, call the fit and speak the contract."""
