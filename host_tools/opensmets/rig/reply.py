"""What a meter said, as plain values: the answer to a request, or an alert. All of it was verified and decrypted."""

from __future__ import annotations

from datetime import datetime

from lxml import etree

from opensmets.cli.answers import Answer
from opensmets.cli.conversation import Verified
from opensmets.cli.xml_view import Tree, answer_of, as_tree, read_document
from opensmets.errors import SmetsError


class ItemRefused(SmetsError):
    """The meter answered but refused an item of the request."""


class Document:
    """Values by the names of the elements that lead to them, `/` between: `ActiveImportRegister/Value`."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self._root = answer_of(document)

    @property
    def tree(self) -> Tree:
        """All values, as mappings, lists and text."""
        return {} if self._root is None else as_tree(self._root)

    def text(self, path: str) -> str:
        """Return the text at a path. Raises SmetsError naming what there is when nothing is there."""
        return (self._find(path).text or "").strip()

    def texts(self, path: str) -> list[str]:
        """Return the text at every such path, in the document's order; none is no error."""
        return [] if self._root is None else [(each.text or "").strip() for each in self._root.iterfind(_steps(path))]

    def number(self, path: str) -> int:
        """Return the whole number at a path. Raises SmetsError when it is none."""
        text = self.text(path)
        try:
            return int(text)
        except ValueError:
            raise SmetsError(f"{path} is no whole number: {text}") from None

    def time(self, path: str) -> datetime:
        """Return the moment at a path, in UTC. Raises SmetsError when it is none."""
        text = self.text(path)
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise SmetsError(f"{path} is no moment: {text}") from None

    def _find(self, path: str) -> etree._Element:
        found = None if self._root is None else self._root.find(_steps(path))
        if found is None:
            names = sorted(
                {str(etree.QName(each.tag).localname) for each in (self._root or etree.Element("none")).iter("{*}*")}
            )
            raise SmetsError(f"there is no {path}, but {', '.join(names)}")
        return found


class Reply(Document):
    """The answer to a request. `use_case` is its GBCS name, `message` the octets as they came."""

    def __init__(self, answer: Answer) -> None:
        if answer.document is None:
            raise SmetsError(f"the answer to {answer.use_case.name} cannot be read: {answer.unread}")
        super().__init__(answer.document)
        self.use_case, self.message = answer.use_case.name, answer.verified.message.raw
        if answer.refused:
            raise ItemRefused(f"the meter refuses {answer.use_case.name}: {'; '.join(answer.refusals())}")


class Alert(Document):
    """An alert: its `code`, what that means, when it was, and to whom (8-octet EUI)."""

    def __init__(self, verified: Verified, document: bytes) -> None:
        super().__init__(document)
        root = read_document(document)
        self.recipient, self.message = verified.message.recipient, verified.message.raw
        self.code = int(root.findtext(".//{*}GBCSHexAlertCode") or "0", 16)
        self.meaning = root.findtext(".//{*}AlertDescription") or ""

    def __repr__(self) -> str:
        return f"Alert(0x{self.code:04X}, {self.meaning!r})"


def _steps(path: str) -> str:
    return ".//" + "/".join(f"{{*}}{name}" for name in path.split("/"))
