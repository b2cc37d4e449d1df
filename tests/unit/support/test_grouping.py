"""What one worker is to run together, one worker gets."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("which", ["one", "another"])
def test_where_tests_are_handed_out_by_groups_their_names_tell_the_group(request, which):
    by_groups = getattr(request.config.option, "loadgroup", False)
    assert request.node.nodeid.endswith("@together") == by_groups
