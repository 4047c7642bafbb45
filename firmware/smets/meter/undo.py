"""What the resident parts of the meter were before a command, so that one that cannot be kept leaves nothing behind.

Energy and time that flowed since the last half hour are not on flash: they are remembered in RAM, some 250 octets. Rows
of logs and tokens that were used are on flash at once, and stay.
"""


class Undo:
    """Remembers components (their buffers and what of them is unsaved), what is pending and what waits to be sent."""

    def __init__(self, components, schedule, events):
        self._components, self._schedule, self._events = components, schedule, events
        self._before = None

    def remember(self):
        """Remember what is now."""
        states = [(bytes(each.state()), each.unsaved) for each in self._components]
        self._before = states, self._schedule.pending, self._events.waiting()

    def restore(self):
        """Let all be as it was when `remember` was called last, if it was; each memory is good for once."""
        if self._before is None:
            return
        states, pending, waiting = self._before
        self._before = None
        for component, (state, unsaved) in zip(self._components, states):
            component.restore(state)
            component.unsaved = unsaved
        self._schedule.pending = pending
        self._events.set_waiting(waiting)

    def forget(self):
        """Forget what was remembered: what changed since is kept."""
        self._before = None
