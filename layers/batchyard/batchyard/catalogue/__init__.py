"""The catalogue: products, and what OData calls their parts."""
