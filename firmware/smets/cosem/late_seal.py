"""Encrypting a part of an answer of which some is made when it is sent (late.py): it is encrypted then, too."""


def seal(sink, start, gcm):
    """Let what was written to `sink` since `start`, late parts and all, be encrypted when it is sent; add its tag.

    `gcm` is started for its text (crypto/gcm.py).
    """
    opened = LateSeal(gcm)
    before = len([None for place, _ in sink.late if place <= start])
    sink.late.insert(before, [start, opened])
    sink.late.append([sink.pos, LateTag(opened)])


class LateSeal:
    """Where an encrypted part begins."""

    size = 0

    def __init__(self, gcm):
        self.gcm = gcm


class LateTag:
    """Where it ends: its tag, which is known when its text was made once."""

    size = 12

    def __init__(self, opened):
        self.seal = opened
