"""The meter's fields by path: `component.field`, or `component.field.2` for an element of a list; a log is `logs.name`.

What is read and set so is of any component, a cold one too: it is loaded then (cold.py).
"""

from micropython import const

from smets import on_demand
from smets.meter.errors import Unavailable

_PENDING = "smets.meter.pending"
_LOG_CLEARED = const(0x8F52)


class Paths:
    """The paths of a meter (model.py), which has `component(name)`, `record(code)`, `logs` and `schedule`."""

    def read(self, path):
        """Return a field's value: a number, truth value, octets, or a list. Raises Unavailable."""
        component, name, index = self.resolve(path)
        return component.read(name, index)

    def elements(self, path):
        """Return a field's value; a long list may be one to go through only."""
        component, name, index = self.resolve(path)
        if index is None and hasattr(component, "elements"):
            return component.elements(name)
        return component.read(name, index)

    def check(self, path, value):
        """Raise OutOfRange or Unavailable when `write` would."""
        component, name, index = self.resolve(path)
        component.check(name, value, index)

    def write(self, path, value):
        """Set a field. Raises OutOfRange or Unavailable, and then nothing changed. `commit` puts it on flash."""
        component, name, index = self.resolve(path)
        component.write(name, value, index)
        self.tell(component.NAME, name)

    def call(self, path, value):
        """Carry out a component's method. Raises Unavailable, and what the method raises."""
        if path.startswith("logs."):
            self.logs.call(path[5:])
            self.record(_LOG_CLEARED)
            return
        component, name, index = self.resolve(path)
        if name not in component.METHODS:
            raise Unavailable("the meter has no method " + path)
        arguments = (value,) if index is None else (value, index)
        getattr(component, name)(*arguments)

    def log(self, path):
        """Return the log of a path `logs.<name>`. Raises Unavailable."""
        return self.logs.get(path[5:] if path.startswith("logs.") else path)

    def passive(self, path):
        """Return the value that waits to replace a field's."""
        return on_demand.call(_PENDING, "passive", self, path)

    def set_passive(self, path, value):
        """Keep a value that waits to replace a field's. Raises as `check`."""
        on_demand.call(_PENDING, "set_passive", self, path, value)

    def activation(self, paths):
        """Return when passive values become active, schedule.NEVER when no time is set."""
        return self.schedule.activation(paths)

    def activate(self, paths, time_s, origin=b""):
        """Let passive values become active at a time, schedule.NOW or schedule.NEVER; see schedule.py."""
        self.schedule.activate(paths, time_s, origin)

    def resolve(self, path):
        """Return (component, field or method, index or None) of a path. Raises Unavailable."""
        parts = path.split(".")
        if not 2 <= len(parts) <= 3 or (len(parts) == 3 and not parts[2].isdigit()):
            raise Unavailable("the meter has no " + path)
        return self.component(parts[0]), parts[1], int(parts[2]) if len(parts) == 3 else None
