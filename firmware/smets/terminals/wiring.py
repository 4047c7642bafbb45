"""What a board's settings say is wired to it, made of its pins. Loaded when a device starts, and given back."""

from smets.terminals import contacts, pulses


def wire(device, settings, machine, watch):
    """Give a device what is wired to its board; on a bench its load comes from there and not from the S0 input.

    `settings` is the content of board.json, `machine` has MicroPython's `Pin` and `SoftI2C`, and `watch(pin, handler)`
    lets `handler(pin)` be called whenever the pin is pulled down.
    """
    kind, pins = machine.Pin, settings["pins"]
    contactor = contacts.Contactor(kind(pins["contactor"], kind.OUT, value=0))
    buzzer = contacts.Buzzer(kind(pins["buzzer"], kind.OUT, value=0))
    led = pulses.PulseOutput(kind(pins["pulse_led"], kind.OUT, value=0))
    button = contacts.Button(kind(pins["button"], kind.IN, kind.PULL_UP))
    device.terminals = (contactor, led, buzzer, button)
    if settings["panel"]:
        device.terminals += _panel(pins, machine, watch)
    if not settings["bench"]:
        source = pulses.PulseInput(settings["pulses_per_kwh"])
        watch(kind(pins["pulse_input"], kind.IN, kind.PULL_UP), source.count)
        device.measure = source.measure


def _panel(pins, machine, watch):
    """Return the display with its keypad in a tuple; nothing when firmware that was sent to the board has none."""
    try:
        from smets.terminals.keypad import Keypad
        from smets.terminals.panel import Panel
    except ImportError:
        return ()

    kind = machine.Pin
    rows = tuple([kind(number, kind.OPEN_DRAIN, value=0) for number in pins["keypad_rows"]])
    columns = tuple([kind(number, kind.IN, kind.PULL_UP) for number in pins["keypad_columns"]])
    keypad = Keypad(rows, columns)
    for column in columns:
        watch(column, keypad.press)
    wires = machine.SoftI2C(scl=kind(pins["display_scl"]), sda=kind(pins["display_sda"]), freq=400000)
    return (Panel(wires, keypad),)
