"""Run in an image: print the SHA-256 of every file, and import every module that this core can run."""

import os
from binascii import hexlify
from hashlib import sha256


def walk(folder):
    for entry in os.ilistdir(folder):
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            if path != "/stand_ins":
                yield from walk(path)
        else:
            yield path


for path in walk(""):
    with open(path, "rb") as file:
        print("file", path[1:], hexlify(sha256(file.read()).digest()).decode())
for path in walk("/lib/smets"):
    if path.endswith(".mpy"):
        name = path[11:-4] if path.count("/") == 3 else path[5:-4].replace("/", ".")
        try:
            __import__(name)
            print("module", path[1:])
        except (ImportError, ValueError) as error:
            print("refused", path[1:], error)
