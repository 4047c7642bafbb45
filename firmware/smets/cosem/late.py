"""Parts of an answer that are made when they are sent, because the device cannot hold them: rows of a log.

Which rows there are is settled when the answer begins, by their places in the log: rows appended meanwhile are not in
it, and those that leave the ring for them are still read, for the store keeps the last few (store/segments.py). A row
is written by the same layout every time, so that any part of the answer can be made again.
"""

from smets.cosem import axdr
from smets.cosem.sink import BufferSink

_CODES = {axdr.U8: "B", axdr.I8: "b", axdr.U16: "H", axdr.I16: "h", axdr.U32: "I", axdr.I32: "i"}


class LateRows:
    """The rows of `meter`'s log `path` at `places`, each `width` octets, as the contents of a compact array.

    `codec` is the LayoutCodec that described the rows' type, `node`.
    """

    def __init__(self, codec, meter, path, node, places, width):
        self.size = width * len(places)
        self._codec, self._meter, self._path, self._node = codec, meter, path, node
        self._places, self._width = places, width
        self._row = bytearray(width)
        self._is_kept_so = _codes(node, codec) == meter.log(path).codes()

    def read_into(self, offset, view):
        """Fill `view` with the octets from `offset` on.

        Raises ValueError when a row is gone, by clearing or too many new ones, and what the log's store raises.
        """
        try:
            self._fill(offset, view)
        except IndexError:
            raise ValueError("%s: a row that was to be sent is gone" % self._path)

    def _fill(self, offset, view):
        log = self._meter.log(self._path)
        index, skip = divmod(offset, self._width)
        at = 0
        while at < len(view):
            taken = min(self._width - skip, len(view) - at)
            if taken == self._width:
                self._write(log, index, view[at : at + taken])
            else:
                self._write(log, index, self._row)
                view[at : at + taken] = self._row[skip : skip + taken]
            at += taken
            index += 1
            skip = 0

    def _write(self, log, index, view):
        """Write a whole row. The numbers of most are kept as they are sent: those need not be taken apart."""
        if self._is_kept_so:
            log.record_into(self._places[index], view)
        else:
            self._codec.encode_element(self._node, log.values(self._places[index]), BufferSink(view), False)


def _codes(node, codec):
    """Return the struct codes of a row's numbers, "" when it is not only numbers."""
    if node.tag == axdr.STRUCTURE:
        found = [_codes(child, codec) for child in codec.parts(node)]
        return "".join(found) if all(found) else ""
    if node.tag == axdr.ARRAY:
        return node.high * _codes(codec.parts(node)[0], codec)
    return _CODES.get(node.tag, "") if node.constant is None and node.path is None else ""
