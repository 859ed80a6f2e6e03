"""The edge to API Gateway: routing, validation, the caller, and the dialects in which families answer."""
