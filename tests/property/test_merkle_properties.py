"""Each leaf proves its place and nothing else does; the streaming tree is the recursive one of RFC 6962."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from rasoat.persistence.merkle import TreeBuilder, leaf_hash, verify_inclusion

DATA = st.lists(st.binary(max_size=6), min_size=1, max_size=70)


def recursive_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + recursive_root(leaves[:split]) + recursive_root(leaves[split:])).digest()


@given(DATA)
@settings(deadline=None)
def test_the_streamed_root_is_the_recursive_one_and_every_leaf_proves_its_place(data: list[bytes]) -> None:
    leaves = [leaf_hash(d) for d in data]
    builder = TreeBuilder()
    for leaf in leaves:
        builder.add(leaf, track=True)
    tree = builder.finish()
    assert tree.root == recursive_root(leaves)
    for index, leaf in enumerate(leaves):
        assert verify_inclusion(leaf, index, tree.size, tree.paths[index], tree.root)


@given(st.integers(1, 70), st.data())
@settings(deadline=None, max_examples=300)
def test_no_other_leaf_place_path_or_root_is_accepted(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(bytes([i])) for i in range(size)]
    builder = TreeBuilder()
    for leaf in leaves:
        builder.add(leaf, track=True)
    tree = builder.finish()
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index) if size > 1 else st.just(-1))
    path = tree.paths[index]
    assert not verify_inclusion(leaf_hash(b"other"), index, size, path, tree.root)
    assert not verify_inclusion(leaves[index], other, size, path, tree.root)
    assert not verify_inclusion(leaves[index], index, size, path, sha256(tree.root).digest())
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not verify_inclusion(leaves[index], index, size, (*path[:at], tree.root, *path[at + 1 :]), tree.root)
        assert not verify_inclusion(leaves[index], index, size, path[:at] + path[at + 1 :], tree.root)
