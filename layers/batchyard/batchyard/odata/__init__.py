"""OData's `$batch`: many requests in one call, atomic where they are grouped in change sets."""
