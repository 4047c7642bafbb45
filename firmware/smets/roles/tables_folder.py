"""Where the packed tables of this firmware are. Loaded when a device starts that was not told."""

import os

from micropython import const

_TABLES_OF_FROZEN = const("lib/tables")


def find():
    """Return the folder `tables` beside the folder `smets` that this module is in; frozen, it is in none."""
    path = __file__.replace("\\", "/")
    if "/smets/" in path:
        return path.rsplit("/smets/", 1)[0] + "/tables"
    try:
        os.stat("tables")
    except OSError:
        return _TABLES_OF_FROZEN
    return "tables"
