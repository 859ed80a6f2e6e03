"""Benchmarks: each module prints what it measured and the ratio to what it is compared with, both taken in one run."""
