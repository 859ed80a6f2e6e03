"""Fuzzing by coverage, on demand: it needs an environment of its own (`make fuzz`)."""
