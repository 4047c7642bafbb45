"""The metering model: time, measurements and stores come in as arguments; no bytes of a protocol, no keys, no I/O."""
