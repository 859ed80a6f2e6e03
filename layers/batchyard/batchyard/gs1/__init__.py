"""GS1's standards as far as batches need them: what values may look like, links, printed codes, events."""
