"""What stands in for a log whose files are damaged: the device goes on without it, and what there is of it is kept."""


class DamagedLog:
    """Has the calls of a SegmentLog. Reading and clearing fail; what should be added is let go."""

    oldest = end = 0

    def __len__(self):
        """Raise OSError: nobody can tell how many records there are."""
        raise OSError("the log is damaged")

    def append(self, record, at_once=True):
        """Do nothing: a damaged log must not hold up what it would have told of."""

    def sync(self):
        """Do nothing."""

    def read_into(self, index, buffer):
        """Raise OSError."""
        len(self)

    def clear(self):
        """Raise OSError: the files are left as they are, for whoever is to look into them."""
        len(self)

    def close(self):
        """Do nothing."""
