"""Users, their tokens, and what a token may do."""
