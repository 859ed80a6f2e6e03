"""Serial numbers: computed from an index by secret permutations, and computed back; nothing is stored."""
