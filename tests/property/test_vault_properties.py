"""Whatever is sealed opens as it was, and no changed bit does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasoat.foundation.errors import IntegrityError
from rasoat.persistence.keys import generate_ring, with_new_master
from rasoat.persistence.vault import Vault

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.dictionaries(TEXT, TEXT | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans() | st.none() | st.lists(TEXT))
RING = generate_ring()
VAULT = Vault(RING)
HOUSEHOLDS = st.integers(0, 2**63 - 1)


@given(HOUSEHOLDS, VALUES, TEXT)
@settings(deadline=None)
def test_what_is_sealed_opens_as_it_was_before_and_after_rotation(
    household: int, values: dict[str, Any], context: str
) -> None:
    key = VAULT.new_key(household)
    sealed = VAULT.seal(key, values, context=context)
    assert VAULT.open(key, sealed, context=context) == json.loads(json.dumps(values))
    rotated = Vault(with_new_master(RING))
    assert rotated.open(rotated.rewrap(key), sealed, context=context) == values


@given(VALUES, st.data())
@settings(deadline=None, max_examples=200)
def test_one_changed_bit_of_the_data_or_of_the_key_opens_nothing(values: dict[str, Any], data: st.DataObject) -> None:
    key = VAULT.new_key(1)
    sealed = VAULT.seal(key, values)
    flipped = data.draw(st.sampled_from([sealed, key.wrapped]))
    bit = data.draw(st.integers(0, len(flipped) * 8 - 1))
    changed = (int.from_bytes(flipped, "big") ^ 1 << bit).to_bytes(len(flipped), "big")
    pair = (key, changed) if flipped is sealed else (key._replace(wrapped=changed), sealed)
    with pytest.raises(IntegrityError):
        VAULT.open(*pair)
