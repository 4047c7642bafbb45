"""A board that is an electricity meter: what is wired to it, and the loop that keeps its watchdog quiet.

With its button held when it starts, a board stays at its REPL; so does one whose meter cannot start. The pins and the
link are those of `board.json`, which `make image` makes of the board's `board.toml`.
"""

import json

import board
from machine import WDT, Pin

STORE = "store"


def wire(device, pins, settings):
    """Give a device what is wired to its pins; on a bench its load comes from there and not from the S0 input."""
    from smets.terminals.contacts import Button, Contactor
    from smets.terminals.pulses import PulseInput, PulseOutput

    contactor = Contactor(Pin(pins["contactor"], Pin.OUT, value=0))
    led = PulseOutput(Pin(pins["pulse_led"], Pin.OUT, value=0))
    device.terminals = (contactor, led, Button(Pin(pins["button"], Pin.IN, Pin.PULL_UP)))
    if not settings["bench"]:
        pulses = PulseInput(settings["pulses_per_kwh"])
        board.count_pulses(Pin(pins["pulse_input"], Pin.IN, Pin.PULL_UP), pulses.count)
        device.measure = pulses.measure


def live(device, watchdog):
    """Run a device for ever; the watchdog is fed by rounds that are over and left the journal in order."""
    while True:
        device.run_once(100)
        if watchdog and device.is_healthy():
            watchdog.feed()


def main(settings):
    """Be a meter until the bench wants the REPL; what it cannot survive is kept in the crash log."""
    from smets.roles.esme import Esme
    from smets.store.crash_log import note

    stream = board.open_link(settings["link"])
    try:
        device = Esme(stream, STORE, None, settings["bench"], 1, False)
        wire(device, settings["pins"], settings)
        live(device, None if settings["bench"] else WDT(timeout=board.WATCHDOG_MS))
    except Exception as error:
        note(STORE, 0, error)
        raise
    except SystemExit:
        pass
    finally:
        stream.close()


with open("board.json") as file:
    SETTINGS = json.load(file)
if Pin(SETTINGS["pins"]["button"], Pin.IN, Pin.PULL_UP).value():
    main(SETTINGS)
