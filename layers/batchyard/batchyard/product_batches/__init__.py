"""Product batches: production lots of a product, and the serial numbers printed on its items."""
