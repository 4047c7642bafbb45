"""The bench's hand on the meter: one JSON request at a time, `{"do": ...}`, and its answer.

It reaches the meter model and the faults, and nothing else: no keys, no messages, no authority. Octets are hexadecimal
text. The answer is `{"ok": true, ...}` or `{"ok": false, "why": text}`. ARCHITECTURE.md lists the operations.
"""

import json
from array import array
from binascii import crc32

from micropython import const

from smets.bench.setting import Setting
from smets.meter.errors import MeterError, Unavailable
from smets.on_demand import call

_COVERS = {
    "terminal": (0x8F76, 0x81C1),
    "meter": (0x8F74, 0x81B9),
    "battery": (0x8F73, 0x81A1),
    "second_terminal": (0x8F77, 0x81C1),
    "magnet": (0x8F75, 0x81BC),
}
"""The events of a cover's opening and closing, and of a strong magnet's coming and going."""
_U32 = const(0xFFFFFFFF)
_MAX_LOAD = const(1000000)
"""Most W, var or tenths of a volt that are measured: beyond any meter, within every register and log."""
_MAX_SPEED = const(86400)
_MAX_STEP_S = const(86400)
_MAX_STEPS = const(96)
"""Most loads of a request: two days of half hours. What is answered fits a small heap."""
_MAX_BODY = const(32)
_MAX_ROWS = const(100)
_MAX_ANSWER = const(8000)
"""Longest answer, characters: a link frame takes little more."""


def answer(request, *arguments):
    """Return the answer to one request of a BenchControl of `arguments`, all of them."""
    return BenchControl(*arguments).handle(request)


class BenchControl:
    """Carries out bench requests on `meter`, which `setting` keeps what it was told of (its own when left out).

    `catch_up()` lets the meter live up to now under the load so far; it is called before anything changes.
    `counts()` is what the rooms around the meter count, a dict that `status` shows besides.
    """

    def __init__(self, meter, faults, catch_up=None, counts=None, setting=None):
        self._meter = meter
        self._faults = faults
        self._catch_up = catch_up or (lambda: None)
        self._counts = counts or dict
        self._lives_later = setting is not None
        self.setting = setting or Setting()
        self._operations = {
            "get": self._get, "set": self._set, "append": self._append, "clear": self._clear, "rows": self._rows,
            "fault": self._fault, "faults_clear": self._faults_clear, "load": self._load, "tamper": self._tamper,
            "keys": self._keys, "event": self._event, "power": self._power, "time": self._time, "hub": self._hub,
            "speed": self._speed, "status": self._status, "panel": self._panel, "repl": self._repl,
            "household": self._household,
        }  # fmt: skip

    def handle(self, payload):
        """Carry out the request in `payload` (JSON octets); return the answer as such. No input makes it raise."""
        try:
            answer = json.dumps(self.perform(json.loads(bytes(payload))))
        except ValueError:
            answer = '{"ok": false, "why": "no JSON object"}'
        except (MemoryError, RuntimeError):  # nested without end, or more rows than there is memory
            answer = ""
        if not 0 < len(answer) <= _MAX_ANSWER:
            answer = '{"ok": false, "why": "too much at once"}'
        return answer.encode()

    def perform(self, request):
        """Carry out a request given as a dict and return its answer as one."""
        try:
            operation = self._operations.get(request["do"])
            if operation is None:
                return {"ok": False, "why": "no operation of that name"}
            self._catch_up()
            self.setting.later = None
            answer = operation(request) or {}
            self._meter.commit()
        except MeterError as error:
            return {"ok": False, "why": str(error) or error.kind}
        except (KeyError, TypeError, ValueError, IndexError, OSError) as error:
            return {"ok": False, "why": "%s: %s" % (type(error).__name__, error)}
        answer["ok"] = True
        return answer

    def _get(self, request):
        return {"value": _shown(self._meter.read(_text(request["path"])))}

    def _set(self, request):
        path, value = _text(request["path"]), request["value"]
        if isinstance(value, list):
            component, name, index = self._meter.resolve(path)
            elements, value = value, []
            if index is None and hasattr(component, "packing"):
                value = component.packing(name, None)
            for element in elements:
                value.append(_taken(element))
        else:
            value = _taken(value)
        self._meter.write(path, value)

    def _append(self, request):
        self._meter.log(_text(request["log"])).append(tuple(_taken(request["row"])))

    def _clear(self, request):
        self._meter.log(_text(request["log"])).clear()

    def _rows(self, request):
        """Return rows of a log, `count` from `from` on, the oldest first."""
        log, start = self._meter.log(_text(request["log"])), _natural(request.get("from", 0))
        end = min(len(log), start + _natural(request.get("count", 20), _MAX_ROWS))
        return {"length": len(log), "rows": [_shown(log.row(index)) for index in range(start, end)]}

    def _fault(self, request):
        obis, result = _octets(request["obis"]), _natural(request["result"], 255)
        after = _natural(request.get("after", 0))
        method = request.get("method")
        if method not in (None, False, True):
            raise ValueError("method is true or false")
        self._faults.set(request["class"], obis, request["member"], result, method, after)

    def _faults_clear(self, request):
        self._faults.clear()

    def _load(self, request):
        """Set what is measured from now on; what is left out stays."""
        for name in ("import_w", "export_w", "import_var", "export_var", "secondary_import_w"):
            setattr(self.setting.load, name, _natural(request.get(name, getattr(self.setting.load, name)), _MAX_LOAD))
        voltages = [_natural(voltage, _MAX_LOAD) for voltage in request.get("voltage_dv", self.setting.load.voltage_dv)]
        if len(voltages) < self._meter.phases:
            raise ValueError("a voltage for each phase is wanted")
        self.setting.load.voltage_dv = voltages

    def _tamper(self, request):
        """Open or close a cover, or bring a magnet and take it away; `lock`, or the tamper state, locks the supply."""
        opened, closed = _COVERS[request["cover"]]
        self._meter.record(opened if request["open"] else closed)
        if request["open"] and (request.get("lock") or self._meter.read("tamper_state.locks_supply")):
            self._meter.call("supply.lock", None)

    def _keys(self, request):
        """Press at the meter: `digits` of a UTRN, or a `button`: "supply" closes an armed switch, "emergency" activates
        emergency credit, "boost" turns the chosen controllers on for `minutes`, 0 ends that."""
        if "digits" in request:
            self._meter.call("credit.enter_token_locally", _text(request["digits"]).encode())
        elif request["button"] == "supply":
            self._meter.call("supply.close_by_customer", None)
        elif request["button"] == "emergency":
            self._meter.call("account.activate_emergency_credit", None)
        elif request["button"] == "boost":
            minutes = _natural(request["minutes"])
            self._meter.call("load_control.boost" if minutes else "load_control.end_boost", minutes)
        else:
            raise Unavailable("the meter has no button of that name")

    def _panel(self, request):
        """Press a key at the meter, or return the page that its display shows."""
        key = _text(request["press"]) if "press" in request else None
        self.setting.later = "smets.bench.pages", (key, self._sounds())
        return {} if self._lives_later else call("smets.bench.pages", "perform", self._meter, self.setting)

    def _sounds(self):
        """Return the code of the event for which the meter sounds now, 0 when it is silent."""
        events = self._meter.events
        return events.sounding if self._meter.time_s < events.silent_s else 0

    def _event(self, request):
        """Let an event happen by its code; `body` is what its alert carries besides."""
        body = _octets(request.get("body", ""))
        if len(body) > _MAX_BODY:
            raise ValueError("a body has %d octets at most" % _MAX_BODY)
        self._meter.record(_natural(request["code"], 0xFFFF), body)

    def _power(self, request):
        self._meter.power(bool(request["on"]))

    def _time(self, request):
        """Set the clock, or let the meter live on to a time."""
        if "set" in request:
            if self._meter.read("outage.lost_s"):  # now it knows for how long
                call("smets.meter.waking", "wake_whole", self._meter, _natural(request["set"]))
            self._meter.write("clock.time_s", request["set"])
        else:
            self._live_on(_natural(request["advance_to"]))
        return {"time_s": self._meter.time_s}

    def _live_on(self, time_s):
        """Let the meter live on to a time; whoever loaded this for one request does it when this is gone."""
        if self._lives_later:
            self.setting.until_s = time_s
        else:
            self._meter.advance(time_s, self.setting.load)

    def _hub(self, request):
        """Give the communications hub's time and status, as its own channel does."""
        self._meter.hub_time(_natural(request["time_s"]), _natural(request.get("status", 0), 2))

    def _household(self, request):
        """Let the meter live under many loads in turn (household.py)."""
        imports, step_s = request["import_w"], _natural(request.get("step_s", 1800), _MAX_STEP_S)
        exports = request.get("export_w", [0] * len(imports))
        if not step_s or not 0 < len(imports) == len(exports) <= _MAX_STEPS:
            raise ValueError("a step in seconds and loads for 1 to %d steps are wanted" % _MAX_STEPS)
        for power_w in imports + exports:
            _natural(power_w, _MAX_LOAD)
        self.setting.later = "smets.bench.household", (step_s, array("I", imports), array("I", exports))
        if self._lives_later:
            return {}
        found = call("smets.bench.household", "live", self._meter, self.setting)
        return {name: list(column) for name, column in found.items()}

    def _speed(self, request):
        self.setting.speed = _natural(request["factor"], _MAX_SPEED)

    def _repl(self, request):
        """Leave the program, as a board's developer does to get at its files; there is no answer."""
        raise SystemExit

    def _status(self, request):
        meter, check = self._meter, 0
        for state in meter.states():
            check = crc32(state, check)
        answer = {
            "time_s": meter.time_s, "clock_status": meter.read("clock.status"), "supply": meter.read("supply.state"),
            "has_supply": meter.has_supply(), "events_dropped": meter.events.dropped, "speed": self.setting.speed,
            "state": check, "sounds": self._sounds(), "sounded": self._meter.events.sounded,
        }  # fmt: skip
        answer.update(self._counts())
        return answer


def _natural(value, most=_U32):
    if not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError("a number from 0 to %d is wanted" % most)
    return value


def _text(value):
    if not isinstance(value, str):
        raise ValueError("a text is wanted")
    return value


def _octets(text):
    if len(_text(text)) % 2:
        raise ValueError("octets are pairs of hexadecimal digits")
    return bytes([int(text[place : place + 2], 16) for place in range(0, len(text), 2)])


def _taken(value):
    """Return a JSON value as the meter has it."""
    if isinstance(value, str):
        return _octets(value)
    return [_taken(one) for one in value] if isinstance(value, list) else value


def _shown(value):
    """Return a value of the meter for JSON."""
    if isinstance(value, bytes):
        return "".join(["%02x" % octet for octet in value])
    return [_shown(one) for one in value] if isinstance(value, (list, tuple)) else value
