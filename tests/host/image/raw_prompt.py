"""MicroPython's raw prompt on standard input and output, as a board's firmware has it."""

import select
import sys

PROMPT = b"raw REPL; CTRL-B to exit\r\n>"

source, sink = open(0, "rb", buffering=0), open(1, "wb", buffering=0)  # noqa: SIM115
poll = select.poll()
poll.register(source, select.POLLIN)


def take():
    """Return the next byte."""
    while True:
        for _ in poll.ipoll(1000):
            byte = source.read(1)
            if byte:
                return byte


def run(text, names):
    """Run a program and write what the raw REPL does: its output, its error."""
    sink.write(b"OK")
    error = None
    try:
        exec(text, names)
    except Exception as raised:  # noqa: BLE001 - it is what the host is told
        error = raised
    sink.write(b"\x04")
    if error is not None:
        sys.print_exception(error, sys.stdout)
    sink.write(b"\x04>")


def raw():
    """Be at the raw prompt until it is left."""
    sink.write(PROMPT)
    names, text = {"__name__": "__main__"}, bytearray()
    while True:
        byte = take()
        if byte == b"\x02":
            return
        if byte == b"\x05":
            take(), take()
            sink.write(b"R\x00")
        elif byte == b"\x04":
            run(str(text, "utf-8"), names)
            text = bytearray()
        elif byte not in (b"\x01", b"\x03"):
            text.extend(byte)


def serve(silent=False):
    """Wait for a host that wants the raw prompt, for ever. `silent`: no MicroPython is there."""
    while True:
        if take() == b"\x01" and not silent:
            raw()
