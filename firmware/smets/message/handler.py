"""The way of a command through the device: every check in GBCS's order, then the payload's service, then the answer.

| check, in this order | a failure raises |
|---|---|
| envelope well formed, within limits, a command | 0x8F1E |
| addressed to this device | nothing |
| message code known | 0x8F85, as ECS100 |
| originator's cell exists and may send the use case | 0x8F30 |
| MAC, signature, counter above the highest accepted from that party | 0x8F3D |
| payload of the use case's shape | an error response; 0x8F1E where it is ASN.1, which has none |

A refused command changes nothing but its count, the security log and the alert. An authentic one has its counter on
flash before it acts, and has spent it even when there is nothing in it to carry out. _UNUSUAL refusals within an hour
are told besides, once (0x8F60): GBCS leaves the number open.
"""

import gc

from micropython import const

from smets.cosem import dates
from smets.cosem.access import AccessContext, MalformedRequest
from smets.cosem.axdr import AxdrError
from smets.cosem.sink import SinkFull
from smets.message import future, scope
from smets.message.authority import entitled_cell
from smets.message.counters import kind_of
from smets.message.envelope import COMMAND, RESPONSE, Envelope, EnvelopeError
from smets.message.protection import SensitiveProtector
from smets.on_demand import call, collect, collect_often, fetch
from smets.trust.cells import ACCESS_CONTROL_BROKER

_MALFORMED = const(0x8F1E)
_NO_AUTHORITY = const(0x8F30)
_NOT_AUTHENTIC = const(0x8F3D)
_NOT_SUPPORTED = const(0x8F85)
_UNUSUAL_NUMBERS = const(0x8F60)
_UNUSUAL = const(30)
_HOUR_S = const(3600)

_COMMAND_SIGNED = const(1)
_COMMAND_MAC = const(2)
_RESPONSE_SIGNED = const(4)
_RESPONSE_TIME = const(16)
_DLMS = const(0)
_ASN1 = const(2)
"""Protection flags and payload kinds of the use-case table."""

_SERVICES = (
    "", "smets.message.credentials", "smets.message.replacement", "smets.message.device_credentials",
    "smets.message.joining", "smets.message.activation",
)  # fmt: skip
"""Modules whose `answer` writes the response to an ASN.1 payload, by the service's number in the use-case table."""


class _Refused(Exception):
    """The command is refused; `code` is the event that it raises."""

    def __init__(self, code):
        super().__init__("refused: 0x%04X" % code)
        self.code = code


class Handler:
    """Answers commands. `station` is the device (station.py), `access` the access service; answers are built in
    `writer`.

    `refused` counts refusals by code, `dropped` messages for other devices, `accepted` the commands carried out.
    """

    def __init__(self, station, use_cases, protection, alerts, access, writer):
        self.refused = {}
        self.dropped = self.accepted = 0
        self._lately = self._since_s = 0
        self._station = station
        self._device = station.eui
        self._use_cases = use_cases
        self._anchors = station.anchors
        self._protection = protection
        self._counters = station.counters
        self._alerts = alerts
        self._access = access
        self._clock = station.clock
        self._report = station.report
        self._envelope = Envelope()
        self._writer = writer

    def handle(self, message):
        """Return the response to a command, or None when there is none.

        It is a memoryview, valid until the next call, or a LongMessage (long_message.py), which stays valid.
        """
        envelope = self._envelope
        try:
            envelope.parse(message)
            if bytes(envelope.recipient) != self._device:
                self.dropped += 1
                return None
            use_case, cell = self._check(envelope)
            gc.collect()  # the checks leave much garbage: what is kept from here on must not lie scattered in it
            return self._carry_out(envelope, use_case, cell)
        except EnvelopeError:
            self._refuse(_MALFORMED)
        except _Refused as refusal:
            self._refuse(refusal.code)
        return None

    def refuse_long(self):
        """Refuse a message that is longer than the device takes: nobody looked into it."""
        self._refuse(_MALFORMED)

    def _tell(self, code):
        """Log and tell a refusal; its alert is sent as often as that may be."""
        self._report(code)
        self._alerts.tell_refusal(code, self._clock())

    def _refuse(self, code):
        self.refused[code] = self.refused.get(code, 0) + 1
        if code == _NOT_SUPPORTED:
            self._report(code)
            self._alerts.tell_not_supported(self._envelope, self._clock())
        else:
            self._tell(code)
        now_s = self._clock()
        if not 0 <= now_s - self._since_s < _HOUR_S:
            self._lately, self._since_s = 0, now_s
        self._lately += 1
        if self._lately == _UNUSUAL:
            self._tell(_UNUSUAL_NUMBERS)

    def _check(self, envelope):
        """Return the use case and the originator's cell of an authentic command. Raises _Refused, EnvelopeError."""
        if envelope.cra != COMMAND or envelope.date_time is not None:
            raise EnvelopeError("not a command")
        use_case, cell = self._entitled(envelope)
        flags = use_case.protection
        if bool(flags & _COMMAND_MAC) != (envelope.mac is not None):
            raise _Refused(_NOT_AUTHENTIC)
        if bool(flags & _COMMAND_SIGNED) != (envelope.signature is not None):
            raise _Refused(_NOT_AUTHENTIC)
        if envelope.mac is not None and not self._protection.is_mac_valid(envelope):
            raise _Refused(_NOT_AUTHENTIC)
        if envelope.signature is not None and not self._protection.is_signature_valid(envelope, cell):
            raise _Refused(_NOT_AUTHENTIC)
        if not self._counters.is_fresh(envelope.originator, kind_of(use_case), envelope.counter):
            raise _Refused(_NOT_AUTHENTIC)
        return use_case, cell

    def _entitled(self, envelope):
        """Return the variant of the use case that the originator may send, and by which cell. Raises _Refused."""
        use_case = self._use_cases.find(envelope.code)
        if use_case is None or not self._can_carry_out(use_case):
            raise _Refused(_NOT_SUPPORTED)
        originator, variant = bytes(envelope.originator), 0
        while use_case:
            cell = entitled_cell(self._anchors, use_case, originator)
            if cell and (envelope.supplementary_id is None or cell.role == ACCESS_CONTROL_BROKER):
                return use_case, cell
            variant += 1
            use_case = self._use_cases.find(envelope.code, variant)
        raise _Refused(_NO_AUTHORITY)

    def _can_carry_out(self, use_case):
        if use_case.payload == _ASN1:
            return 0 < use_case.service < len(_SERVICES)
        return use_case.payload == _DLMS

    def _carry_out(self, envelope, use_case, cell):
        originator, counter = bytes(envelope.originator), bytes(envelope.counter)
        supplementary, protector = self._supplementary(envelope, originator, counter)
        self._counters.accept(originator, kind_of(use_case), counter)
        self.accepted += 1
        sink = self._writer.begin()
        sink.late = []
        if use_case.payload == _DLMS:
            collect_often(True)  # not while signatures are checked or made, which allocates much
            try:
                self._access_items(envelope, use_case, protector, sink)
            finally:
                collect_often(False)
        else:
            answered = call(_SERVICES[use_case.service], "answer", envelope, use_case, cell, self._station, sink)
            if answered is None:  # the response is sent when the device has started again
                return None
            if not answered:
                self.accepted -= 1  # authentic, so its counter is spent; but there was nothing in it to carry out
                raise _Refused(_MALFORMED)
        return self._respond(use_case, originator, counter, supplementary)

    def _supplementary(self, envelope, originator, counter):
        """Return the supplementary fields of the response and the protector of its sensitive parts.

        An unknown remote party's certificate that is not its own key agreement certificate raises EnvelopeError.
        """
        if envelope.supplementary_id is None:
            return (), SensitiveProtector(self._device, originator, counter, self._protection.secret_of, originator)
        party = bytes(envelope.supplementary_id)
        fields = [party]
        if envelope.supplementary_counter is not None:
            fields.append(bytes(envelope.supplementary_counter))
        if envelope.certificate is None:
            return fields, SensitiveProtector(self._device, party, counter, self._protection.secret_of, party)
        public_key = fetch("smets.trust.certificate", "agreement_key")(envelope.certificate, party)
        if public_key is None:
            raise EnvelopeError("the certificate is not the supplementary party's for key agreement")
        fields.append(self._counters.next_own())
        return fields, SensitiveProtector(self._device, party, fields[-1], self._anchors.agree, public_key)

    def _access_items(self, envelope, use_case, protector, sink):
        """Write the access-response; a payload that is not of the use case's shape gets an error response."""
        payload = envelope.payload

        def allows(verb, class_id, obis, member, inner=None):
            return self._use_cases.allows(use_case, verb, class_id, obis, member, inner)

        try:
            if not scope.has_own_invoke_id(payload, envelope.counter):
                raise MalformedRequest("another invoke id")
            outside = scope.first_outside(payload, allows)
            if outside is not None:
                scope.refuse(payload, outside, sink)
                return
            collect()  # what the command brings in must not lie scattered behind garbage
            self._access.execute(payload, self._context(envelope, allows, protector), sink)
        except (MalformedRequest, AxdrError, SinkFull):
            scope.refuse_malformed(envelope.counter, self._writer.begin())

    def _context(self, envelope, allows, protector):
        counter = int.from_bytes(bytes(envelope.counter), "big")
        context = AccessContext(
            self._device,
            bytes(envelope.originator),
            counter,
            envelope.code,
            allows,
            protector,
            future.origin_of(envelope),
        )
        if envelope.supplementary_id is not None:
            context.supplementary_eui = bytes(envelope.supplementary_id)
        return context

    def _respond(self, use_case, originator, counter, supplementary):
        writer, flags = self._writer, use_case.protection
        date_time = bytearray(dates.SIZE if flags & _RESPONSE_TIME else 0)
        if date_time:
            dates.encode(self._clock(), date_time)
        writer.head(RESPONSE, counter, self._device, originator, use_case.code, date_time, supplementary)
        if writer.sink.late:
            protect = fetch("smets.message.long_message", "protect")
            return protect(writer, self._protection, flags & _RESPONSE_SIGNED, self._device, counter, originator)
        if flags & _RESPONSE_SIGNED:
            self._protection.sign(writer)
        else:
            self._protection.add_mac(writer, RESPONSE, self._device, counter, originator)
        return writer.message()
