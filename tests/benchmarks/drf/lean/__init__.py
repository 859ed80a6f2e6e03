"""The comparison that leads: the API as a Django engineer writes it who looks at CPU."""
