"""The same API in Django REST framework on PostgreSQL, measured beside Batchyard."""
