"""Serials of product batches: pages of them, their statuses, and whose a code is."""
