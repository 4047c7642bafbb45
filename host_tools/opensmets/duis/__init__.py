"""DUIS request and response XML and its XML signature."""
