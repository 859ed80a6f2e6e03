"""Serial numbers: computed from an index by secret permutations, and computed back; nothing is stored."""

INVALID_CODE = "INVALID_CODE"
"""By what programs know that a text is refused which is no serial number's code."""
