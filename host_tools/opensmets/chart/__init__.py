"""Pictures of what a meter has measured: for a terminal, and as PNG."""
