"""Comparison of tags in a time that does not tell where they differ."""


def equal(a, b):
    """Say whether two bytes-like values are the same. Only their lengths, which are public, show in the time."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0
