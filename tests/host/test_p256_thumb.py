"""The assembler back end of P-256 without a board: its machine code on an emulated Cortex-M0."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from smets.crypto import back_end, p256, point_ints
from smets.crypto.curve import N, P
from tests.reference import REFERENCE, ROOT, needs_reference
from tests.thumb_core import ThumbCore, assembled_function

FIELD = ROOT / "firmware/smets/crypto/field_thumb.py"
WHOLE = 1 << 256
MULTIPLY, ADD, SUBTRACT = 1, 2, 3
A, B, RESULT = 3, 4, 5
EDGES = [
    0, 1, 2, P - 1, P, P + 1, WHOLE - 1, WHOLE - 2, WHOLE - P, WHOLE - P - 1, WHOLE - P + 1, 1 << 255, (1 << 32) - 1,
    (1 << 224) - 1, WHOLE - (1 << 224), 2 * (WHOLE - P), 0xFFFF << 240, 0xFFFF0000 << 224,
]  # fmt: skip
EXPECTED: dict[int, Callable[[int, int], int]] = {
    MULTIPLY: lambda a, b: a * b * pow(WHOLE, -1, P) % P,
    ADD: lambda a, b: (a + b) % P,
    SUBTRACT: lambda a, b: (a - b) % P,
}


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> ThumbCore:
    return ThumbCore(assembled_function(FIELD, tmp_path_factory.mktemp("thumb")))


@pytest.fixture
def thumb(core: ThumbCore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """`point_thumb` on the emulated core, which `p256` then picks."""
    field = ModuleType("smets.crypto.field_thumb")
    field.run = core  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, field.__name__, field)
    monkeypatch.setattr(back_end, "_refused", [])
    chosen = back_end.fastest(p256._BACK_ENDS)
    assert chosen.__name__ == "smets.crypto.point_thumb"
    yield chosen
    sys.modules.pop(chosen.__name__)


def compute(core: ThumbCore, what: int, a: int, b: int, times: int = 1, to: int = RESULT) -> int:
    """Return what an instruction of the field's program gives; nothing beside its result and own slots changes."""
    slots = bytearray(range(256)) * 2
    slots[32 * A : 32 * A + 32], slots[32 * B : 32 * B + 32] = a.to_bytes(32, "little"), b.to_bytes(32, "little")
    before = bytes(slots)
    core(bytes((what, to, A, B, 0, 0, 0, 0)), slots, times)
    assert slots[96 : 32 * to] == before[96 : 32 * to] and slots[32 * to + 32 :] == before[32 * to + 32 :]
    return int.from_bytes(slots[32 * to : 32 * to + 32], "little")


def numbers() -> list[int]:
    """Return edge values, random ones, and random ones with long runs of set bits, where carries run far."""
    source = random.Random(256)
    runs = [source.getrandbits(256) | ((1 << 96) - 1) << source.randrange(160) for _ in range(16)]
    return EDGES + [source.getrandbits(256) for _ in range(32)] + runs


@pytest.mark.parametrize("what", [MULTIPLY, ADD, SUBTRACT])
def test_field_against_integers(core: ThumbCore, what: int) -> None:
    for a in numbers():
        for b in numbers():
            assert compute(core, what, a, b) % P == EXPECTED[what](a, b), (hex(a), hex(b))


@pytest.mark.parametrize("what", [MULTIPLY, ADD, SUBTRACT])
def test_a_result_may_take_the_place_of_an_operand_and_be_taken_again(core: ThumbCore, what: int) -> None:
    source = random.Random(257)
    for times in (1, 2, 7):
        for to in (A, B):
            a, b = source.getrandbits(256), source.getrandbits(256)
            found = compute(core, what, a, b, times, to)
            for _ in range(times):
                result = EXPECTED[what](a, b)
                a, b = (result, b) if to == A else (a, result)
            assert found % P == result


def test_points_against_the_back_end_of_integers(thumb: Any) -> None:
    source = random.Random(258)
    scalars = [1, 2, 3, 15, 16, 17, N - 1, N - 2, N // 2, *(source.randrange(1, N) for _ in range(6))]
    x, y = point_ints.multiply_base(source.randrange(1, N))
    for scalar in scalars:
        assert thumb.multiply_base(scalar) == point_ints.multiply_base(scalar)
        assert thumb.multiply(scalar, x, y) == point_ints.multiply(scalar, x, y)


def test_sums_that_meet_themselves_or_vanish(thumb: Any) -> None:
    """P + P, P - P, and sums through infinity: the additions that the formulas do not cover."""
    x, y = point_ints.multiply_base(1)
    for base_scalar, scalar in ((1, 1), (1, N - 1), (N - 1, 1), (0, 0), (0, 5), (5, 0), (7, N - 7), (N - 2, 1)):
        total = (base_scalar + scalar) % N
        wanted = point_ints.multiply_base(total)[0] % N if total else 1
        assert thumb.sum_has_x(base_scalar, scalar, x, y, wanted) == bool(total)
        assert not thumb.sum_has_x(base_scalar, scalar, x, y, wanted % (N - 1) + 1)


def test_an_x_coordinate_beyond_the_order(thumb: Any) -> None:
    """An x of N to P - 1 is r + N: a signature's r is what is left modulo N."""
    x = next(x for x in range(N, P) if pow((x**3 - 3 * x + curve_b()) % P, (P - 1) // 2, P) == 1)
    y = pow(x**3 - 3 * x + curve_b(), (P + 1) // 4, P)
    assert thumb.sum_has_x(0, 1, x, y, x - N)


def curve_b() -> int:
    """Return the curve's b, told by the base point that it is on."""
    x, y = point_ints.multiply_base(1)
    return (y * y - x**3 + 3 * x) % P


def vectors(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for group in json.loads((REFERENCE / "wycheproof" / name).read_text())["testGroups"]:
        for test in group["tests"]:
            yield group, test


@needs_reference
def test_wycheproof_ecdsa(thumb: Any) -> None:
    for group, test in vectors("ecdsa_secp256r1_sha256_p1363_test.json"):
        public = bytes.fromhex(group["publicKey"]["uncompressed"])[1:]
        digest = sha256(bytes.fromhex(test["msg"])).digest()
        assert p256.verify(public, digest, bytes.fromhex(test["sig"])) == (test["result"] == "valid"), test["tcId"]


@needs_reference
def test_wycheproof_ecdh(thumb: Any) -> None:
    judged = 0
    for _, test in vectors("ecdh_secp256r1_ecpoint_test.json"):
        public = bytes.fromhex(test["public"])
        if test["result"] == "valid" and public[0] == 4:
            assert p256.ecdh(int(test["private"], 16).to_bytes(32, "big"), public[1:]).hex() == test["shared"]
            judged += 1
    assert judged == 330


def test_the_code_is_small(tmp_path: Path) -> None:
    """It lies in RAM on a stock image while a signature is looked at."""
    assert len(assembled_function(FIELD, tmp_path)) < 1024
