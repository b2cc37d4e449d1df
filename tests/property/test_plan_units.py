"""Paths, ancestors and subtrees of units tell the same tree, on every day."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rasoat.workflows.units import Unit, UnitLevel, Units

START = date(2020, 1, 1)
SPAN = 60


@st.composite
def forests(draw: st.DrawFn) -> tuple[Units, date]:
    """Units that change their parent at most once, under parents that never end."""
    provinces = [Unit(f"{n:02d}", "", UnitLevel.PROVINCE, None, START) for n in range(draw(st.integers(1, 3)))]
    units = list(provinces)
    for n in range(draw(st.integers(0, 6))):
        moves_on = START + timedelta(days=draw(st.integers(1, SPAN)))
        first, second = draw(st.sampled_from(provinces)), draw(st.sampled_from(provinces))
        code = f"{n:05d}"
        eve = moves_on - timedelta(days=1)
        units.append(Unit(code, "", UnitLevel.COMMUNE, first.code, START, eve))
        units.append(Unit(code, "", UnitLevel.COMMUNE, second.code, moves_on))
        villages = range(draw(st.integers(0, 3)))
        units += [Unit(f"{code}.{v:02d}", "", UnitLevel.VILLAGE, code, START) for v in villages]
    return Units(units), START + timedelta(days=draw(st.integers(0, SPAN + 1)))


@given(forests())
def test_a_unit_lies_in_a_subtree_exactly_when_its_path_goes_through_the_root(forest):
    units, day = forest
    paths = {unit.code: units.path(unit.code, day) for unit in units.on(day)}
    assert len(set(paths.values())) == len(paths)
    for root, over in paths.items():
        inside = {unit.code for unit in units.subtree(root, day)}
        assert inside == {code for code, path in paths.items() if f"{path}/".startswith(f"{over}/")}
        assert all(root in {code, *(a.code for a in units.ancestors(code, day))} for code in inside)


@given(forests())
def test_without_lineage_every_unit_that_lasts_is_its_own_successor(forest):
    units, day = forest
    for unit in units.on(START):
        assert [each.code for each in units.successors(unit.code, day, since=START)] == [unit.code]
