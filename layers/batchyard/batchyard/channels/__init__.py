"""The sales channels that batch requests belong to."""
