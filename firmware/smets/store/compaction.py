"""Copying what is live of a journal into the base of its next generation. Loaded when that pays.

Until the new base has its name the old generation is untouched.
"""

from array import array

from smets.store.opening import NEW
from smets.store.records import RecordFile, path_of, record_size


def write_base(directory, files, number, keys, get):
    """Write `get(key)` of every key into the new base, file `number`, on flash but without its name yet.

    Returns (its path, its size, the keys' offsets in their order). Raises OSError, and StoreCorrupt for a record
    that no longer passes its check.
    """
    new = RecordFile(files, directory + "/" + NEW, number)
    offsets = array("I")
    try:
        new.create(number, 0)
        for key in keys:
            value = get(key)
            offsets.append(new.append(((key, value),))[0])
            new.end += record_size(key, value)
        new.sync(0)
    finally:
        new.close()
    return new.path, new.end, offsets


def take_name(directory, files, number, path, end):
    """Give the new base its name; return it as the file to go on writing to."""
    named = RecordFile(files, path_of(directory, number), number)
    files.rename(path, named.path)
    named.open()
    named.base, named.end = number, end
    return named
