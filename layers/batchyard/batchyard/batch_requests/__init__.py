"""Channel batch requests: a load of objects followed to a sales channel and back, object by object."""
