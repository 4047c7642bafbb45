"""What the resident parts of the meter were before a command, so that one that cannot be kept leaves nothing behind.

Energy and time that flowed since the last half hour are not on flash: they are remembered in RAM, some 250 octets. Rows
of logs and tokens that were used are on flash at once, and stay. In the heap from a command's begin to its end.
"""


class Undo:
    """Remembers components (their buffers and what of them is unsaved), what is pending and what waits to be sent."""

    def __init__(self, components, schedule, events):
        self._components, self._schedule, self._events = components, schedule, events
        self._states = [(bytes(each.state()), each.unsaved) for each in components]
        self._pending, self._waiting = schedule.pending, events.waiting()

    def restore(self):
        """Let all be as it was when this was made."""
        for component, (state, unsaved) in zip(self._components, self._states):
            component.restore(state)
            component.unsaved = unsaved
        self._schedule.pending = self._pending
        self._events.set_waiting(self._waiting)
