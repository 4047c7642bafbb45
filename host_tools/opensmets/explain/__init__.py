"""What a GBCS message says, as a tree down to its last octet."""

from opensmets.explain.message import explain
from opensmets.explain.node import Node

__all__ = ["Node", "explain"]
