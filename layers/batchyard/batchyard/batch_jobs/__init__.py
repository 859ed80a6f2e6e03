"""Batch jobs: long work on the catalogue that is asked for, looked at, confirmed, followed and canceled."""
