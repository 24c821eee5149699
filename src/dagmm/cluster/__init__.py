"""Scoring tables on the engines that hold them: Spark, Dask and Ray, without a cluster of ours."""
