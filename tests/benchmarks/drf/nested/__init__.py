"""The comparison: the batch requests API as a small Django REST framework service on PostgreSQL."""
