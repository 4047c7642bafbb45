"""The one root of everything that this package raises on purpose.

A message is one line that names what is wrong and what to do about it; the command line prints it and leaves with
`exit_code`. Nothing secret may stand in one.
"""

from __future__ import annotations


class SmetsError(Exception):
    """Something is wrong that a user can act on. `exit_code` is the command's (1; 2 for usage)."""

    exit_code = 1


class UsageError(SmetsError):
    """The command, a file or a request was given in a form that cannot be used."""

    exit_code = 2
