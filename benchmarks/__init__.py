"""Speeds, reported and never asserted in CI: machines are noisy. `make bench` runs them all."""
