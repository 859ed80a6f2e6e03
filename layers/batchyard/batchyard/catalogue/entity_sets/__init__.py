"""The catalogue as OData entity sets: what there is (`model`), how it is read and written, and what it looks like."""
