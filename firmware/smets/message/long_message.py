"""A message that the device cannot hold: its few octets of headers are kept, the rest is made when it is read.

It is read front to back once, and then its MAC or signature, which stands at the end, is known. Any part that was read
may be read again, and is then made again. Encryption, being a counter mode, can begin anywhere; what goes into a tag
goes there once, in order.
"""

from hashlib import sha256

from micropython import const

from smets.message.envelope import RESPONSE

_MAC_SIZE = const(12)
_SIGNATURE_SIZE = const(64)


def protect(writer, protection, is_signed, originator, counter, recipient):
    """Return the LongMessage of the response whose header stands in `writer`. Raises NotProtectable."""
    late_size = writer.sink.late_size()
    if is_signed:
        writer.finish_late(_SIGNATURE_SIZE)
        total = len(writer.message()) + late_size
        return LongMessage(writer.message(), writer.late(), _Signature(protection), 1, total - 1)
    mac = _Mac(protection.begin_mac(RESPONSE, originator, counter, recipient))
    writer.finish(b"")
    whole = len(writer.message())
    writer.put_mac_header(late_size + _MAC_SIZE)
    before = len(writer.message()) - whole
    return LongMessage(writer.message(), writer.late(), mac, before, before + whole + late_size)


class LongMessage:
    """A protected message of `size` octets. `text` are those kept, `late` the parts between them, each with its place.

    `proof` is what stands at the end; it is over the octets from `start` to `end`.
    """

    def __init__(self, text, late, proof, start, end):
        self._text = bytes(text)
        self._proof, self._start, self._end = proof, start, end
        self._done = 0  # octets that were made once
        self._parts = []  # (size, source, the seal that they lie in or None)
        self.size = at = 0
        seal = None
        for place, source in late:
            self._add(place - at, _Text(self._text, at), seal)
            at = place
            if hasattr(source, "gcm"):
                seal = _Seal(source.gcm, self.size)
            elif hasattr(source, "seal"):
                self._add(source.size, seal, None)
                seal = None
            else:
                self._add(source.size, source, seal)
        self._add(len(self._text) - at, _Text(self._text, at), None)
        self._add(proof.size, proof, None)

    def read_into(self, offset, view):
        """Fill `view` with the octets from `offset` on, which were read before or are the next.

        Raises ValueError for others, and what the sources of late parts raise.
        """
        if offset > self._done or (offset < self._done < offset + len(view)):
            raise ValueError("a message's octets are read in order, and again")
        is_new = offset == self._done
        for at, part, source, _ in self._parts_of(offset, view):
            if not isinstance(source, _Proof):
                source.read_into(at, part)  # may fail, and has nothing to undo then
        if is_new:
            self._done = -1  # what fails from here on cannot be made again
        place = offset
        for at, part, source, seal in self._parts_of(offset, view):
            if isinstance(source, _Proof):
                source.read_into(at, part)
            if seal:
                seal.encrypt(place, part, is_new)
            if is_new:
                self._prove(place, part)
            place += len(part)
        if is_new:
            self._done = place

    def _parts_of(self, offset, view):
        """Yield what lies in `view`, the octets from `offset` on: where in its source, the view, source, seal."""
        start = 0
        for size, source, seal in self._parts:
            first, end = max(offset, start), min(offset + len(view), start + size)
            if first < end:
                yield first - start, view[first - offset : end - offset], source, seal
            start += size

    def _add(self, size, source, seal):
        if size:
            self._parts.append((size, source, seal))
            self.size += size

    def _prove(self, offset, part):
        """Take what of a part the MAC or signature is over into it."""
        first = max(self._start - offset, 0)
        end = min(self._end - offset, len(part))
        if first < end:
            self._proof.add(part[first:end])


class _Text:
    """Octets that are kept, from `start` on."""

    def __init__(self, text, start):
        self._text, self._start = text, start

    def read_into(self, offset, view):
        at = self._start + offset
        view[:] = self._text[at : at + len(view)]


class _Proof:
    """What stands behind the octets that it is made of: `make()` makes it when it is read first."""

    def __init__(self, make):
        self._make, self._value = make, None

    def read_into(self, offset, view):
        if self._value is None:
            self._value = self._make()
        view[:] = self._value[offset : offset + len(view)]


class _Seal(_Proof):
    """An encrypted part, whose text begins at `start` of the message, and its tag."""

    def __init__(self, gcm, start):
        _Proof.__init__(self, gcm.finish)
        self._gcm, self._start = gcm, start

    def encrypt(self, offset, part, is_new):
        self._gcm.seek(offset - self._start)
        self._gcm.decrypt(part)  # which in a counter mode is to encrypt
        if is_new:
            self._gcm.authenticate(part)


class _Mac(_Proof):
    size = _MAC_SIZE

    def __init__(self, gcm):
        _Proof.__init__(self, gcm.finish)
        self.add = gcm.add


class _Signature(_Proof):
    size = _SIGNATURE_SIZE

    def __init__(self, protection):
        digest = sha256()
        _Proof.__init__(self, lambda: protection.sign_digest(digest.digest()))
        self.add = digest.update
