"""A board that is an electricity meter: what is wired to it, and the loop that keeps its watchdog quiet.

With its button held when it starts, a board stays at its REPL; so does one whose meter cannot start.
"""

import json

import board
import boot
import machine

STORE = "store"


def main(settings):
    """Be a meter until other firmware is to be run. Raises SystemExit when the bench wants the REPL."""
    # armed before anything of a firmware on trial runs: one that hangs has to use up its starts
    watchdog = machine.WDT(timeout=board.WATCHDOG_MS) if boot.is_trial(STORE) and not settings["bench"] else None
    from smets.on_demand import call
    from smets.roles.esme import Esme
    from smets.store.crash_log import note

    stream = board.open_link(settings["link"])
    try:
        device = Esme(stream, STORE, None, settings["bench"], 1, False, settings["board"], watchdog)
        device.trouble, device.starts_afresh = boot.started_by(STORE, machine), True
        call("smets.terminals.wiring", "wire", device, settings, machine, board.watch)
        if watchdog is None and not settings["bench"]:
            watchdog = machine.WDT(timeout=board.WATCHDOG_MS)
        device.run(watchdog)
    except Exception as error:
        note(STORE, 0, error)
        raise
    finally:
        stream.close()


def start():
    """Be a meter from now on, unless the button is held."""
    with open("board.json") as file:  # one left open would keep its kilobyte of heap: littlefs knows it
        settings = json.load(file)
    if machine.Pin(settings["pins"]["button"], machine.Pin.IN, machine.Pin.PULL_UP).value():
        boot.choose(STORE)
        main(settings)
        boot.start_again(STORE, machine)


try:
    start()
except SystemExit:
    pass
except Exception as error:  # noqa: BLE001 - the last one to see it: it is told on the console
    if boot.is_trial(STORE):
        boot.start_again(STORE, machine)
    # what follows on the console is MicroPython's prompt; where the error comes from is in store/crash.log
    print("No meter: %s: %s. What the flash holds was left as it is." % (type(error).__name__, error))
