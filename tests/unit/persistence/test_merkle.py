"""The tree against the reference roots and proofs of Certificate Transparency (RFC 6962)."""

from __future__ import annotations

from hashlib import sha256

import pytest

from rasoat.persistence.merkle import Tree, TreeBuilder, leaf_hash, verify_inclusion

LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
FIFTH_OF_EIGHT = (
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
)


def grown(size: int, tracked: set[int] | None = None) -> Tree:
    builder = TreeBuilder()
    for index, data in enumerate(LEAVES[:size]):
        builder.add(leaf_hash(data), track=index in (tracked or set()))
    return builder.finish()


@pytest.mark.parametrize(("size", "root"), list(enumerate(ROOTS)))
def test_the_root_is_the_reference_root_for_every_size(size: int, root: str) -> None:
    tree = grown(size)
    assert (tree.size, tree.root.hex()) == (size, root)


def test_the_path_is_the_reference_path() -> None:
    tree = grown(8, {5})
    assert tuple(node.hex() for node in tree.paths[5]) == FIFTH_OF_EIGHT
    assert verify_inclusion(leaf_hash(LEAVES[5]), 5, 8, tree.paths[5], bytes.fromhex(ROOTS[8]))


def test_only_tracked_leaves_have_paths() -> None:
    assert set(grown(8, {0, 3}).paths) == {0, 3}


def test_finishing_twice_gives_the_same_tree() -> None:
    builder = TreeBuilder()
    for data in LEAVES[:7]:
        builder.add(leaf_hash(data), track=True)
    assert builder.finish() == builder.finish()


def test_the_only_leaf_is_its_own_root_and_needs_no_path() -> None:
    tree = grown(1, {0})
    assert tree.paths == {0: ()}
    assert verify_inclusion(tree.root, 0, 1, (), tree.root)


def test_a_node_does_not_pass_for_a_leaf() -> None:
    left, right = leaf_hash(LEAVES[0]), leaf_hash(LEAVES[1])
    assert leaf_hash(left + right) != grown(2).root
    assert grown(2).root == sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize(("index", "size"), [(-1, 8), (8, 8), (5, 0), (5, 5), (5, 16), (5, 6), (4, 8)])
def test_a_wrong_place_is_refused(index: int, size: int) -> None:
    path = grown(8, {5}).paths[5]
    assert not verify_inclusion(leaf_hash(LEAVES[5]), index, size, path, bytes.fromhex(ROOTS[8]))


def test_a_path_too_short_or_too_long_is_refused() -> None:
    leaf, root, path = leaf_hash(LEAVES[5]), bytes.fromhex(ROOTS[8]), grown(8, {5}).paths[5]
    assert not verify_inclusion(leaf, 5, 8, path[:-1], root)
    assert not verify_inclusion(leaf, 5, 8, (*path, root), root)
