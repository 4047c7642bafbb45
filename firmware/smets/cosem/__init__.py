"""A-XDR, the access service, and the object table that binds attributes to the meter model."""
