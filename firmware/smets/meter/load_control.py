"""Commands to the auxiliary controllers and limits of their levels (SMETS2 5.5.13, GBCS 23.1; ECS47, ECS47a, ECS47e).

A script is a number. In the older form its high octet is the controller and the low one 11 on and 12 off for a time in
minutes, or 20 back to the calendar. In the newer one the high octet is 1n for output or 2n for input of controller n,
the low one a level in percent; a command then holds between its two times. A limit is a newer script: between its own
times no level of that direction is above it, whatever commands it.

A controller does what its command says while one holds, else what its calendar says (`calendar_script`), cut down to
its limit. Every command is logged; a change is told (0x8131), and so is what becomes of a limit.
"""

import struct

from micropython import const

from smets.meter.errors import Refused
from smets.meter.fields import Component

_CONTROLLERS = const(5)
_FULL = const(100)
_ON = const(0x11)
_OFF = const(0x12)
_RESET = const(0x20)
_OUTPUT = const(1)
_INPUT = const(2)
_LOGGED_LEVEL = const(0x80)
_MINUTE_S = const(60)
_NEVER = const(0xFFFFFFFF)
_SUCCESS = const(1)
_STATE_CHANGED = const(0x8131)
_LIMIT_PROCESSED = const(0x8F86)
_LIMIT_ENDED = const(0x8F87)


class LoadControl(Component):
    """Five of everything. `command` and `limit` are scripts, 0 for none, with the times between which they hold.

    The first six are what the next script of a controller takes.
    """

    NAME = "load_control"
    FIELDS = (
        ("on_minutes", ">H", 0, _CONTROLLERS),
        ("off_minutes", ">H", 0, _CONTROLLERS),
        ("start_s", ">I", 0, _CONTROLLERS),
        ("end_s", ">I", 0, _CONTROLLERS),
        ("limit_start_s", ">I", 0, _CONTROLLERS),
        ("limit_end_s", ">I", 0, _CONTROLLERS),
        ("command", ">H", 0, _CONTROLLERS),
        ("command_from_s", ">I", 0, _CONTROLLERS),
        ("command_until_s", ">I", 0, _CONTROLLERS),
        ("limit", ">H", 0, _CONTROLLERS),
        ("limit_from_s", ">I", 0, _CONTROLLERS),
        ("limit_until_s", ">I", 0, _CONTROLLERS),
        ("calendar_script", ">H", 0, _CONTROLLERS),
    )
    METHODS = ("run_script", "run_limit", "ring")

    def run_script(self, script):
        """Switch a controller, set its level for a time, or give it back to its calendar. Raises Refused."""
        place, low, now_s = _place(script), script & 0xFF, self.meter.time_s
        if script >> 12:
            self._keep("command", place, script, self.get("start_s", place), self.get("end_s", place))
        elif low == _RESET:
            self._keep("command", place, 0, 0, 0)
        else:
            minutes = self.get("on_minutes" if low == _ON else "off_minutes", place)
            self._keep("command", place, script, now_s, now_s + minutes * _MINUTE_S)
        self._carry_out(place, script)

    def run_limit(self, script):
        """Limit a controller's level for a time; a time that is over ends its limit. Raises Refused."""
        place = _place(script)
        if not script >> 12:
            raise Refused("only a level can be limited")
        from_s, until_s = self.get("limit_start_s", place), self.get("limit_end_s", place)
        before = self.get("limit", place)
        self._keep("limit", place, script, from_s, until_s)
        self._carry_out(place, script)
        told = struct.pack(">BIIB", script >> 8, from_s, until_s, self._level(place, script))
        self.meter.record(_LIMIT_PROCESSED, told)
        if before and not self.get("limit", place):
            self._tell_ended(place, before)

    def ring(self, _):
        """Begin and end what is due by now."""
        now_s = self.meter.time_s
        for place in range(_CONTROLLERS):
            ended = self.get("limit", place)
            for name in ("command", "limit"):
                if self.get(name, place) and self.get(name + "_until_s", place) <= now_s:
                    self._keep(name, place, 0, 0, 0)
            self._settle(place)
            if ended and not self.get("limit", place):
                self._tell_ended(place, ended)
        self._await_next()

    def _keep(self, name, place, script, from_s, until_s):
        """Keep a command or limit; one whose time is over, or never comes, leaves none."""
        if not from_s < until_s or until_s <= self.meter.time_s:
            script = from_s = until_s = 0
        self.put(name, script, place)
        self.put(name + "_from_s", from_s, place)
        self.put(name + "_until_s", min(until_s, _NEVER), place)

    def _carry_out(self, place, script):
        logged = script | _LOGGED_LEVEL if script >> 12 else script
        self.meter.logs.append("auxiliary", (self.meter.time_s, logged, _SUCCESS, 0))
        self._settle(place)
        self._await_next()

    def _settle(self, place):
        """Let a controller do what it has to do now; a change is told."""
        now_s = self.meter.time_s
        holds = self.get("command", place) and self.get("command_from_s", place) <= now_s
        output, input_ = _levels(self.get("command" if holds else "calendar_script", place))
        limit = self.get("limit", place)
        if limit and self.get("limit_from_s", place) <= now_s:
            if limit >> 12 == _INPUT:
                input_ = min(input_, limit & 0xFF)
            else:
                output = min(output, limit & 0xFF)
        if self.meter.component("auxiliary").change(place, output, input_):
            self.meter.record(_STATE_CHANGED)

    def _await_next(self):
        """Have this component loaded again when the next command or limit begins or ends."""
        now_s, next_s = self.meter.time_s, _NEVER
        for name in ("command_from_s", "command_until_s", "limit_from_s", "limit_until_s"):
            for time_s in self.read(name):
                if now_s < time_s < next_s:
                    next_s = time_s
        self.meter.schedule.call_at("load_control.ring", next_s)

    def _level(self, place, script):
        """Return the level that a controller has in a script's direction."""
        name = "input_level" if script >> 12 == _INPUT else "output_level"
        return self.meter.component("auxiliary").get(name, place)

    def _tell_ended(self, place, script):
        self.meter.record(_LIMIT_ENDED, bytes((script >> 8, self._level(place, script))))


def _place(script):
    """Return the place of a script's controller. Raises Refused for a script that says nothing."""
    direction, controller, low = script >> 12, script >> 8 & 15, script & 0xFF
    known = low in (_ON, _OFF, _RESET) if direction == 0 else direction in (_OUTPUT, _INPUT) and low <= _FULL
    if not (known and 1 <= controller <= _CONTROLLERS):
        raise Refused("no script has this number")
    return controller - 1


def _levels(script):
    """Return the output and the input level in percent that a script means."""
    if script >> 12 == _INPUT:
        return 0, script & 0xFF
    if script >> 12 == _OUTPUT:
        return script & 0xFF, 0
    return _FULL if script & 0xFF == _ON else 0, 0


COLD = (LoadControl,)
