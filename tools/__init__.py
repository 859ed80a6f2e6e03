"""What development uses and nothing ships: the local stack, the demonstration, documents and sizes."""
