"""The device's cryptography: P-256, AES-128-GCM, GBCS's key derivation, randomness and constant-time comparison."""
