"""What the tests share: the template's tables on whatever engine, and API Gateway events."""
