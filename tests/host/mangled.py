"""Octets altered at some places, as hypothesis chooses."""

from __future__ import annotations

from hypothesis import strategies as st

#: Where (by a fraction of the length), how many octets are taken out there, and what is put in.
Edit = tuple[float, int, bytes]


def edits(most: int, put_in: st.SearchStrategy[bytes] | None = None) -> st.SearchStrategy[list[Edit]]:
    """Return lists of at most so many edits: octets changed, taken out, put in, cut off."""
    taken = st.sampled_from((0, 1, 2, 9, 1 << 16))
    return st.lists(
        st.tuples(st.floats(0, 1), taken, st.binary(max_size=3) if put_in is None else put_in),
        min_size=1,
        max_size=most,
    )


def mangle(octets: bytes, changes: list[Edit]) -> bytes:
    """Return octets with changes made one after the other."""
    for place, taken, put_in in changes:
        at = int(place * len(octets))
        octets = octets[:at] + put_in + octets[at + taken :]
    return octets
