"""The wire to the host: frames over a byte stream, and the drivers that carry it."""
