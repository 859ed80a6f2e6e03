"""Files of products: their columns, and their rows as text. No I/O."""
