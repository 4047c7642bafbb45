"""A board that is an electricity meter: what is wired to it, and the loop that keeps its watchdog quiet.

With its button held when it starts, a board stays at its REPL; so does one whose meter cannot start.
"""

import json

import board
import boot
from machine import WDT, Pin, reset

STORE = "store"


def wire(device, pins, settings):
    """Give a device what is wired to its pins; on a bench its load comes from there and not from the S0 input."""
    from smets.terminals import contacts, pulses

    contactor = contacts.Contactor(Pin(pins["contactor"], Pin.OUT, value=0))
    buzzer = contacts.Buzzer(Pin(pins["buzzer"], Pin.OUT, value=0))
    led = pulses.PulseOutput(Pin(pins["pulse_led"], Pin.OUT, value=0))
    device.terminals = (contactor, led, buzzer, contacts.Button(Pin(pins["button"], Pin.IN, Pin.PULL_UP)))
    if not settings["bench"]:
        source = pulses.PulseInput(settings["pulses_per_kwh"])
        board.count_pulses(Pin(pins["pulse_input"], Pin.IN, Pin.PULL_UP), source.count)
        device.measure = source.measure


def main(settings):
    """Be a meter until other firmware is to be run. Raises SystemExit when the bench wants the REPL."""
    # armed before anything of a firmware on trial runs: one that hangs has to use up its starts
    watchdog = WDT(timeout=board.WATCHDOG_MS) if boot.is_trial(STORE) and not settings["bench"] else None
    from smets.roles.esme import Esme
    from smets.store.crash_log import note

    stream = board.open_link(settings["link"])
    try:
        device = Esme(stream, STORE, None, settings["bench"], 1, False, settings["board"], watchdog)
        wire(device, settings["pins"], settings)
        if watchdog is None and not settings["bench"]:
            watchdog = WDT(timeout=board.WATCHDOG_MS)
        device.run(watchdog)
    except Exception as error:
        note(STORE, 0, error)
        raise
    finally:
        stream.close()


SETTINGS = json.load(open("board.json"))
if Pin(SETTINGS["pins"]["button"], Pin.IN, Pin.PULL_UP).value():
    try:
        boot.choose(STORE)
        main(SETTINGS)
        reset()
    except SystemExit:
        pass
    except Exception:
        if boot.is_trial(STORE):
            reset()
        raise
