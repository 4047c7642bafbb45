"""A host that stops reading for a while: the meter lives on, frames come whole, and it is told how many did not."""

from __future__ import annotations

import json
import time

import pytest

from opensmets.bench.control import BENCH
from opensmets.layouts.link_frame import Channel
from opensmets.links import open_link
from tests.end_to_end.meter import Meter

pytestmark = pytest.mark.xdist_group("end_to_end")
ASKED = 120
REST_S = 1.0


def test_what_a_slow_host_missed_is_told(meter: Meter) -> None:
    with open_link(meter.port) as link:
        for _ in range(ASKED):
            link.send(BENCH, b'{"do": "status"}')
            time.sleep(0.005)  # so that the device's own input does not overflow
        frames, asked = [], ASKED
        time.sleep(4)  # nobody reads, for longer than the device waits
        last_s = time.monotonic()
        while time.monotonic() - last_s < REST_S:
            if (frame := link.receive(REST_S)) is not None:
                frames.append(frame)
                last_s = time.monotonic()
            elif not [frame for frame in frames if frame.channel == Channel.LOG]:
                link.send(BENCH, b'{"do": "status"}')  # what was missed is told before the next frame
                last_s = time.monotonic()
                asked += 1
    answers = [json.loads(frame.payload) for frame in frames if frame.channel == BENCH]
    assert answers and all(answer["ok"] for answer in answers)
    told = [
        frame.payload.decode().partition(" frames were dropped: ") for frame in frames if frame.channel == Channel.LOG
    ]
    assert told and {why for _, _, why in told} == {"nobody read them"}
    assert sum(int(count) for count, _, _ in told) + len(answers) == asked
