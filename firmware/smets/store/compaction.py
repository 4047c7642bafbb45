"""Copying what is live of a journal into the base of its next generation. Loaded when that pays.

Until the new base has its name the old generation is untouched.
"""

from array import array

from smets.store.listing import NEW
from smets.store.records import RecordFile, path_of, record_size


def compact(directory, files, number, keys, get, before_it_counts):
    """Write `get(key)` of every key into the new base, file `number`; return (it, the keys' offsets in their order).

    Calls `before_it_counts()` when it is on flash but for its name. Raises OSError, and StoreCorrupt for a record that
    no longer passes its check.
    """
    path, end, offsets = _write_base(directory, files, number, keys, get)
    before_it_counts()
    named = RecordFile(files, path_of(directory, number), number)
    files.rename(path, named.path)
    named.open()
    named.base, named.end = number, end
    return named, offsets


def _write_base(directory, files, number, keys, get):
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
