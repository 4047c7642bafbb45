"""What the auxiliary controllers have to do: commands, calendar, boost, limits (SMETS2 5.5.13, GBCS 23.1; ECS46, 47).

A script is a number. In the older form its high octet is the controller and the low one 11 on and 12 off for a time in
minutes, or 20 back to the calendar. In the newer one the high octet is 1n for output or 2n for input of controller n,
the low one a level in percent; a command then holds between its two times. A limit is a newer script: between its own
times no level of that direction is above it, whatever commands it. A calendar's script has 01 on, 02 off, or a level
with the high bit set; it switches later by the randomised offset.

A controller is on while the customer's boost lasts; else it does what its command says while one holds, else what its
calendar says; all cut down to its limit. A command ends a controller's part in a boost: of the two the later counts.
Every command, and each switching by the calendar, is logged with its outcome; a change is told (0x8131) and so is a
failure (0x811A), once until it is mended or commanded again, and what becomes of a limit.
"""

import struct

from micropython import const

from smets import on_demand
from smets.meter.errors import Refused
from smets.meter.fields import BOOL, Component

CONTROLLERS = const(5)
_FULL = const(100)
_PLANNED_ON = const(0x01)
_ON = const(0x11)
_OFF = const(0x12)
_RESET = const(0x20)
_OUTPUT = const(1)
_INPUT = const(2)
_LOGGED_LEVEL = const(0x80)
_MINUTE_S = const(60)
NEVER = const(0xFFFFFFFF)
_SUCCESS = const(1)
_FAILURE = const(2)
_LEVEL = const(0x7F)
_STATE_CHANGED = const(0x8131)
_STATE_NOT_CHANGED = const(0x811A)
_WORK = "smets.meter.load_control_work"
_LIMIT_PROCESSED = const(0x8F86)
_LIMIT_ENDED = const(0x8F87)


class LoadControl(Component):
    """Five of everything. `command` and `limit` are scripts, 0 for none, with the times between which they hold.

    The first six are what the next script of a controller takes. `calendar_s` is when the calendar is looked at again,
    0 when it is new; `boosting` are the controllers that the boost holds on; `failed` those that do not follow.
    """

    NAME = "load_control"
    FIELDS = (
        ("on_minutes", ">H", 0, CONTROLLERS),
        ("off_minutes", ">H", 0, CONTROLLERS),
        ("start_s", ">I", 0, CONTROLLERS),
        ("end_s", ">I", 0, CONTROLLERS),
        ("limit_start_s", ">I", 0, CONTROLLERS),
        ("limit_end_s", ">I", 0, CONTROLLERS),
        ("command", ">H", 0, CONTROLLERS),
        ("command_from_s", ">I", 0, CONTROLLERS),
        ("command_until_s", ">I", 0, CONTROLLERS),
        ("limit", ">H", 0, CONTROLLERS),
        ("limit_from_s", ">I", 0, CONTROLLERS),
        ("limit_until_s", ">I", 0, CONTROLLERS),
        ("calendar_script", ">H", 0, CONTROLLERS),
        ("calendar_s", ">I", NEVER, CONTROLLERS),
        ("boosting", BOOL, 0, CONTROLLERS),
        ("boost_from_s", ">I"),
        ("boost_until_s", ">I"),
        ("failed", BOOL, 0, CONTROLLERS),
    )
    METHODS = ("run_script", "run_limit", "ring", "boost", "end_boost", "forget_calendar")

    def run_script(self, script):
        """Switch a controller, set its level for a time, or give it back to its calendar. Raises Refused."""
        place, low, now_s = _place(script), script & 0xFF, self.meter.time_s
        self.put("boosting", False, place)
        self.put("failed", False, place)
        if script >> 12:
            self.keep("command", place, script, self.get("start_s", place), self.get("end_s", place))
        elif low == _RESET:
            self.keep("command", place, 0, 0, 0)
        else:
            minutes = self.get("on_minutes" if low == _ON else "off_minutes", place)
            self.keep("command", place, script, now_s, now_s + minutes * _MINUTE_S)
        self._carry_out(place, script)

    def run_limit(self, script):
        """Limit a controller's level for a time; a time that is over ends its limit. Raises Refused."""
        place = _place(script)
        if not script >> 12:
            raise Refused("only a level can be limited")
        from_s, until_s = self.get("limit_start_s", place), self.get("limit_end_s", place)
        before = self.get("limit", place)
        self.keep("limit", place, script, from_s, until_s)
        self._carry_out(place, script)
        told = struct.pack(">BIIB", script >> 8, from_s, until_s, self._level(place, script))
        self.meter.record(_LIMIT_PROCESSED, told)
        if before and not self.get("limit", place):
            self.tell_ended(place, before)

    def boost(self, minutes):
        """The customer turns the chosen controllers on for 15 to 223 minutes. Raises OutOfRange or NotNow."""
        on_demand.call("smets.meter.boost", "begin", self, minutes)

    def end_boost(self, _):
        """The customer ends the boost. Raises NotNow when there is none."""
        on_demand.call("smets.meter.boost", "end", self)

    def forget_calendar(self, _):
        """Look at the calendar as at a new one."""
        for place in range(CONTROLLERS):
            self.put("calendar_s", 0, place)
        self.ring(self.meter.time_s)

    def ring(self, _):
        """Begin and end what is due by now."""
        on_demand.call(_WORK, "ring", self, self.meter.time_s)

    def keep(self, name, place, script, from_s, until_s):
        """Keep a command or limit; one whose time is over, or never comes, leaves none."""
        if not from_s < until_s or until_s <= self.meter.time_s:
            script = from_s = until_s = 0
        self.put(name, script, place)
        self.put(name + "_from_s", from_s, place)
        self.put(name + "_until_s", min(until_s, NEVER), place)

    def _carry_out(self, place, script):
        outcome = self.settle(place)
        self.log(script | _LOGGED_LEVEL if script >> 12 else script, outcome)
        self.await_next()

    def log(self, script, outcome):
        """Log what was asked of a controller."""
        self.meter.logs.append("auxiliary", (self.meter.time_s, script, outcome, 0))

    def governing(self, place):
        """Return the script that a controller does now, but for its limit; 0 for none."""
        if self.get("boosting", place):
            return _ON
        holds = self.get("command", place) and self.get("command_from_s", place) <= self.meter.time_s
        return self.get("command" if holds else "calendar_script", place)

    def settle(self, place):
        """Let a controller do what it has to do now; a change is told, and that it fails. Return the outcome."""
        output, input_ = _levels(self.governing(place))
        limit = self.get("limit", place)
        if limit and self.get("limit_from_s", place) <= self.meter.time_s:
            if limit >> 12 == _INPUT:
                input_ = min(input_, limit & 0xFF)
            else:
                output = min(output, limit & 0xFF)
        auxiliary = self.meter.component("auxiliary")
        if auxiliary.is_at(place, output, input_):
            self.put("failed", False, place)
            return _SUCCESS
        follows = auxiliary.change(place, output, input_)
        if follows or not self.get("failed", place):
            self.meter.record(_STATE_CHANGED if follows else _STATE_NOT_CHANGED)
        self.put("failed", not follows, place)
        return _SUCCESS if follows else _FAILURE

    def await_next(self):
        """Have `ring` called when something begins, ends or is switched by the calendar."""
        now_s, next_s = self.meter.time_s, self.get("boost_until_s") or NEVER
        for name in ("command_from_s", "command_until_s", "limit_from_s", "limit_until_s", "calendar_s"):
            for time_s in self.read(name):
                if now_s < time_s < next_s:
                    next_s = time_s
        self.meter.schedule.call_at("load_control.ring", next_s)

    def _level(self, place, script):
        """Return the level that a controller has in a script's direction."""
        name = "input_level" if script >> 12 == _INPUT else "output_level"
        return self.meter.component("auxiliary").get(name, place)

    def tell_ended(self, place, script):
        """Tell of the end of a limit."""
        self.meter.record(_LIMIT_ENDED, bytes((script >> 8, self._level(place, script))))


def _place(script):
    """Return the place of a script's controller. Raises Refused for a script that says nothing."""
    direction, controller, low = script >> 12, script >> 8 & 15, script & 0xFF
    known = low in (_ON, _OFF, _RESET) if direction == 0 else direction in (_OUTPUT, _INPUT) and low <= _FULL
    if not (known and 1 <= controller <= CONTROLLERS):
        raise Refused("no script has this number")
    return controller - 1


def _levels(script):
    """Return the output and the input level in percent that a script means."""
    if script >> 12 == _INPUT:
        return 0, min(_FULL, script & _LEVEL)
    if script >> 12 == _OUTPUT:
        return min(_FULL, script & _LEVEL), 0
    return _FULL if script & 0xFF in (_ON, _PLANNED_ON) else 0, 0


COLD = (LoadControl,)
