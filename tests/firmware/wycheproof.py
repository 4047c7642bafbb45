"""Project Wycheproof's vectors, one at a time: a whole file does not fit the heap that the device tests run in.

The files are printed with two spaces a level: a group opens with `    {`, a test in it with `        {`.
"""

import json
import os

from tests.firmware.skipping import SkipTest

_PROJECT = __file__.rsplit("/tests/", 1)[0]


def vectors(name):
    """Yield (group, test) for every test of the file `name`; `group` has the group's plain text fields and its key.

    Raises SkipTest when the reference material is not there.
    """
    group = {}
    with open(_path(name)) as lines:
        for line in lines:
            if line == "    {\n":
                group = {}
            elif line == "        {\n":
                yield group, _object(lines, "        }")
            elif line == '      "publicKey": {\n':
                group["publicKey"] = _object(lines, "      }")
            elif line.startswith('      "') and line.endswith(",\n"):
                group.update(json.loads("{" + line[:-2] + "}"))


def _object(lines, end):
    text = "{"
    for line in lines:
        if line.rstrip(",\n") == end:
            break
        text += line.strip()
    return json.loads(text + "}")


def _path(name):
    folders = (os.getenv("SMETS_REFERENCE"), _PROJECT + "/../shared")
    for folder in folders:
        path = (folder or "") + "/wycheproof/" + name
        try:
            os.stat(path)
        except OSError:
            continue
        return path
    raise SkipTest("no reference data: set $SMETS_REFERENCE or put it at ../shared")
