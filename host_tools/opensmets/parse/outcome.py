"""What became of each item of a DLMS response: `DebugInfo/COSEMDebug`, one `COSEMResponse` an item, in order.

Readings chosen: every item is listed, on success too, so that a document says how many there were; `ResponseCode` is
the code as sent; a code that the schema has no name for is `response-code-not-known`. `MessageSuccess` of the response
element says whether all of them succeeded. Items with data that came before a failed one show their data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opensmets.catalogue.use_cases import UseCase
from opensmets.layouts.xdlms import RESULTS, Result
from opensmets.parse.tree import Element, ParseError, add, local_name, qualified

_NOT_KNOWN = "response-code-not-known"
_ACTIONS = {code: name for code, name in RESULTS.items() if code not in (17, 18, 19)}
_ACTIONS |= {15: "long action aborted", 16: "no long action in progress"}
_VERBS = {"get": "get", "range": "get", "set": "set", "action": "action", "protected": "action"}


def _name(result: Result) -> str:
    name = (_ACTIONS if result.verb == "action" else RESULTS).get(result.code)
    return name.replace(" ", "-") if name else _NOT_KNOWN


def write_outcome(message: Element, results: Sequence[Result]) -> None:
    """Add the DebugInfo of the results."""
    if not results:
        return
    debug = add(add(message, "DebugInfo"), "COSEMDebug")
    for position, result in enumerate(results, 1):
        response = add(debug, "COSEMResponse")
        response.set("ResponseCode", str(result.code))
        response.set("Position", str(position))
        add(response, "ActionResult" if result.verb == "action" else "DataAccessResult", _name(result))


def read_outcome(message: Element, use_case: UseCase) -> tuple[Result, ...]:
    """Return the results that a document lists. Raises ParseError where it cannot be the use case's."""
    path = "/".join(qualified(name) for name in ("DebugInfo", "COSEMDebug", "COSEMResponse"))
    responses = message.findall(path)
    actions = [len(response) > 0 and local_name(response[0]) == "ActionResult" for response in responses]
    verbs = verbs_of(use_case, actions)
    return tuple(
        Result(verb, int(response.get("ResponseCode") or 0)) for verb, response in zip(verbs, responses, strict=True)
    )


def _expected(use_case: UseCase) -> list[str]:
    """Return the verb of each answer; a protected read of several attributes is one action."""
    items = use_case.items
    together = [
        later.verb == "protected" and later.target == earlier.target
        for earlier, later in zip(items, items[1:], strict=False)
    ]
    return [_VERBS[item.verb] for item, again in zip(items, [False, *together], strict=False) if not again]


def verbs_of(use_case: UseCase, actions: Iterable[bool]) -> list[str]:
    """Return the verb of each answer, given which are actions; items of the use case may be left out.

    Raises ParseError when the answers cannot be those of the use case.
    """
    expected = _expected(use_case)
    verbs: list[str] = []
    at = 0
    for action in actions:
        while at < len(expected) and (expected[at] == "action") != action:
            at += 1
        if at == len(expected) and (not expected or (expected[-1] == "action") != action):
            raise ParseError(f"answer {len(verbs) + 1} is none of {use_case.name}'s items")
        verbs.append(expected[min(at, len(expected) - 1)])
        at += 1
    return verbs
