"""Classification by Phiếu B: total, monotone, and its limits lie where the law puts them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rasoat.engine.effects import classify
from tests.support.cases import compiled

CRITERIA = compiled("annual@2022").workflow.criteria
ORDER = {"poor": 0, "near_poor": 1, "none": 2}

b1s = st.integers(0, 400)
b2s = st.integers(0, 12).map(lambda indicators: indicators * 10)
areas = st.sampled_from(["rural", "urban"])


@given(b1s, b2s, areas)
def test_the_class_is_what_the_two_sentences_of_the_circular_say(b1, b2, area):
    within_income = b1 <= {"rural": 140, "urban": 175}[area]
    expected = "none" if not within_income else "poor" if b2 >= 30 else "near_poor"
    assert classify(b1, b2, area, CRITERIA) == expected


@given(b1s, b1s, b2s, areas)
def test_more_income_never_makes_a_household_poorer(one, other, b2, area):
    low, high = sorted((one, other))
    assert ORDER[classify(low, b2, area, CRITERIA)] <= ORDER[classify(high, b2, area, CRITERIA)]


@given(b1s, b2s, b2s, areas)
def test_more_deprivation_never_makes_a_household_less_poor(b1, one, other, area):
    few, many = sorted((one, other))
    assert ORDER[classify(b1, many, area, CRITERIA)] <= ORDER[classify(b1, few, area, CRITERIA)]


@given(b1s, b2s)
def test_a_town_counts_no_household_as_better_off_than_the_country_does(b1, b2):
    assert ORDER[classify(b1, b2, "urban", CRITERIA)] <= ORDER[classify(b1, b2, "rural", CRITERIA)]
