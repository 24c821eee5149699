"""Other methods on the same rows: baselines, metrics, ``compare``."""
