"""The load switch: enabled, disabled or armed, and why (SMETS2 5.5.9; GBCS ECS42, ECS43, ECS44, ECS81).

                  enabled           disabled          armed
    command 51    stays             enabled           enabled
    command 52    disabled          stays             disabled
    command 54    stays             armed             stays
    customer      refused           refused           enabled
    credit gone   disabled          stays             disabled
    credit back   stays             armed (*)         stays
    load limit    armed             stays             stays
    tamper        locked            locked            locked

(*) only when it was for want of credit that it was disabled. A command to disable takes the place of any other reason,
so that credit does not arm what a supplier disabled. A locked supply is disabled, and a command alone releases it.
"""

from micropython import const

from smets.meter.errors import Refused
from smets.meter.fields import BOOL, Component

DISABLED = const(0)
ENABLED = const(1)
ARMED = const(2)
_ENABLE_SCRIPT = const(51)
_DISABLE_SCRIPT = const(52)
_ARM_SCRIPT = const(54)
_COMMAND = const(1)
_CUSTOMER = const(2)
LOAD_LIMIT = const(3)
CREDIT = const(4)
_TAMPER = const(5)
"""Reasons of a change."""
SUPPLY_ARMED = const(0x8F32)
_LOCKED_BY_TAMPER = const(0x81BE)


class Supply(Component):
    """The switch's `state`, when it came to it (`changed_s`), why (`reason`), and whether it is locked."""

    NAME = "supply"
    FIELDS = (
        ("state", ">B", ENABLED, 0, DISABLED, ARMED),
        ("reason", ">B", 0, 0, 0, _TAMPER),
        ("changed_s", ">I"),
        ("locked", BOOL),
    )
    METHODS = ("run_script", "close_by_customer", "lock")

    def run_script(self, script):
        """Enable (51), disable (52) or arm (54) by command. Raises Refused for another script."""
        if script == _ENABLE_SCRIPT:
            self.put("locked", False)
            self.change(ENABLED, _COMMAND)
        elif script == _DISABLE_SCRIPT:
            self.disable(_COMMAND)
        elif script == _ARM_SCRIPT:
            self.arm(_COMMAND)
        else:
            raise Refused("no script has this number")

    def disable(self, reason):
        """Open the switch; a disabled supply's reason stays, unless it is a command that disables it."""
        if self.get("state") == DISABLED and reason == _COMMAND:
            self.put("reason", reason)
        self.change(DISABLED, reason)

    def arm(self, reason, code=SUPPLY_ARMED):
        """Arm a disabled supply, and record `code`; a command also releases a locked one."""
        if self.get("locked") and reason != _COMMAND:
            return
        self.put("locked", False)
        if self.get("state") == DISABLED:
            self.change(ARMED, reason)
            self.meter.record(code)

    def close_by_customer(self, _=None):
        """Enable an armed supply, as the customer does at the meter. Raises Refused when it is not armed."""
        if self.get("state") != ARMED:
            raise Refused("the supply is not armed")
        self.change(ENABLED, _CUSTOMER)

    def lock(self, _=None):
        """Disable and lock the supply: a tamper was detected while the supply tamper state says so."""
        self.put("locked", True)
        self.change(DISABLED, _TAMPER)
        self.meter.record(_LOCKED_BY_TAMPER)

    def change(self, state, reason):
        """Set the switch and record when and why; nothing when it stands so already."""
        if self.get("state") != state:
            self.put("state", state)
            self.put("reason", reason)
            self.put("changed_s", self.meter.time_s)
