"""Links to devices: serial ports and ptys, framing, exclusive use, capture.

`open_link` opens one; `Announcement` makes a virtual device findable by `--port auto`.
"""

from opensmets.layouts.link_frame import Channel, Frame
from opensmets.links.runtime import Announcement, PortBusy, RunningDevice, StoreBusy, StoreLock, running_devices
from opensmets.links.serial_link import Link, LinkLost, open_link

__all__ = [
    "Announcement",
    "Channel",
    "Frame",
    "Link",
    "LinkLost",
    "PortBusy",
    "RunningDevice",
    "StoreBusy",
    "StoreLock",
    "open_link",
    "running_devices",
]
