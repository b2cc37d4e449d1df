"""A Merkle tree over leaves that stream by (RFC 6962 §2.1, RFC 9162 §2.1): one root, and for each leaf a short proof.

leaf = SHA-256( 0x00 ‖ data ), node = SHA-256( 0x01 ‖ left ‖ right ); the first byte keeps a node from passing for a
leaf. A tree of n leaves splits at the largest power of two below n.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Tree", "TreeBuilder", "leaf_hash", "verify_inclusion"]

_Branch = tuple[bytes, tuple[list[bytes], ...]]


class Tree(NamedTuple):
    """A finished tree: how many leaves, its root, and the path of each tracked leaf by index, from the leaf up."""

    size: int
    root: bytes
    paths: dict[int, tuple[bytes, ...]]


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf that holds `data`."""
    return sha256(b"\x00" + data).digest()


class TreeBuilder:
    """Takes leaf hashes in order; keeps one node per level, and the paths of tracked leaves."""

    def __init__(self) -> None:
        self.size = 0
        self._branches: list[_Branch] = []  # the roots of full subtrees, largest first, each with its tracked paths
        self._tracked: dict[int, list[bytes]] = {}

    def add(self, leaf: bytes, *, track: bool = False) -> None:
        """Append the hash of a leaf; `track` it to have its path at the end."""
        branch: _Branch = (leaf, (self._tracked.setdefault(self.size, []),) if track else ())
        full = self.size
        while full & 1:
            branch = _joined(self._branches.pop(), branch)
            full >>= 1
        self._branches.append(branch)
        self.size += 1

    def finish(self) -> Tree:
        """Return the tree over all leaves added; the root of no leaves is SHA-256 of nothing. Add none afterwards."""
        if not self._branches:
            return Tree(0, sha256().digest(), {})
        branch = self._branches.pop()
        while self._branches:
            branch = _joined(self._branches.pop(), branch)
        self._branches.append(branch)
        return Tree(self.size, branch[0], {index: tuple(path) for index, path in self._tracked.items()})


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Say whether `path` shows that the leaf hash stands at `index` in the tree of `size` leaves with `root`."""
    if not 0 <= index < size:
        return False
    node, position, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = _node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = _node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def _joined(left: _Branch, right: _Branch) -> _Branch:
    for path in left[1]:
        path.append(right[0])
    for path in right[1]:
        path.append(left[0])
    return _node_hash(left[0], right[0]), left[1] + right[1]


def _node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
