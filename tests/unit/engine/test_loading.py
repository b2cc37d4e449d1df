"""A definition file says what it says: whatever is unknown in it is refused, by name and place."""

from __future__ import annotations

import pytest

from rasoat.engine.deriving import expand, resolve
from rasoat.engine.loading import load_workflow
from rasoat.foundation.errors import DefinitionError
from rasoat.workflows.forms import register_all
from tests.support.cases import library
from tests.support.definitions import altered, arrow

SMALL = """
key = "small"
regime = "1"
effective_from = 2022-01-01
label = { vi = "Nhỏ", en = "Small" }
article = { act = "QĐ 1", article = "2" }

[roles.committee]
level = "commune"
label = { vi = "Ban", en = "Board" }

[settings.days]
label = { vi = "Ngày", en = "Days" }
default = 4

[states.asked]
kind = "initial"
desk = "committee"
label = { vi = "Hỏi", en = "Asked" }
article = { act = "QĐ 1", clause = "1", point = "a", tag = "SEED" }
[states.waiting]
kind = "waiting"
desk = "committee"
label = { vi = "Chờ", en = "Waiting" }
article = { act = "QĐ 1" }
[states.done]
kind = "end"
label = { vi = "Xong", en = "Done" }
article = { act = "QĐ 1" }

[triggers.receive]
label = { vi = "Nhận", en = "Receive" }
roles = ["committee"]
form = "none"
article = { act = "QĐ 1", article = "3" }
[triggers.answer]
label = { vi = "Trả lời", en = "Answer" }
roles = ["committee"]
form = "none"
article = { act = "QĐ 1" }

[[transitions]]
trigger = "receive"
from = ["asked"]
to = "waiting"
[[transitions]]
trigger = "answer"
from = ["waiting"]
to = "done"

[deadlines.answer]
kind = "maximum"
length = "@days"
unit = "working_days"
lives_in = ["waiting"]
owner = "committee"
label = { vi = "Trả lời", en = "Answer" }
article = { act = "QĐ 1", tag = "SETTING" }
"""


@pytest.fixture(autouse=True)
def _forms():
    register_all()


def test_a_small_definition_loads_as_it_stands():
    workflow = load_workflow(SMALL)
    assert (workflow.id, workflow.initial.key, workflow.effective_to, workflow.subject) == (
        "small@1", "asked", None, "household",
    )  # fmt: skip
    assert workflow.deadline("answer").term.length == 4
    assert workflow.deadline("answer").from_settings == ("days",)
    assert str(workflow.states["asked"].article) == "QĐ 1 khoản 1 điểm a"
    assert workflow.transitions[0].article == workflow.triggers["receive"].article


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('key = "small"', "key = ", "not valid TOML"),
        ('key = "small"', 'colour = "red"\nkey = "small"', "unknown key 'colour'"),
        ('key = "small"\n', "", "'key' is missing"),
        ("effective_from = 2022-01-01", 'effective_from = "today"', "effective_from: expected date"),
        ('label = { vi = "Nhỏ", en = "Small" }', 'label = { vi = "Nhỏ" }', "label: expected vi and en"),
        ('label = { vi = "Chờ", en = "Waiting" }', 'label = { vi = "", en = "Waiting" }', "states.waiting.label"),
        ('article = { act = "QĐ 1", article = "2" }', 'article = { article = "2" }', "an article has act"),
        ('tag = "SEED"', 'tag = "RECALLED"', "tag 'RECALLED' is not FOUND, SEED or SETTING"),
        ('level = "commune"', 'level = "ward"', "'ward' is not one of village, commune"),
        ('kind = "waiting"', 'kind = "resting"', "'resting' is not one of initial, work"),
        ('kind = "waiting"', 'kind = "initial"', "exactly one state must be initial"),
        ('desk = "committee"', 'desk = "mayor"', "unknown role 'mayor' at its desk"),
        ('roles = ["committee"]', 'roles = ["mayor"]', "unknown role 'mayor'"),
        ('roles = ["committee"]', 'roles = "committee"', "expected list"),
        ('roles = ["committee"]', "roles = [1]", "expected a list of names"),
        ('form = "none"', 'form = "ballot"', "unknown form 'ballot'"),
        ('trigger = "answer"', 'trigger = "reply"', "'reply' is not one of receive, answer"),
        ('to = "done"', 'to = "over"', "unknown state 'over'"),
        ('to = "done"', 'to = "done"\nguards = [{ name = "luck" }]', "unknown guard 'luck'"),
        ('to = "done"', 'to = "done"\nguards = [{ name = "overdue" }]', r"guard 'overdue': missing \['deadline'\]"),
        (
            'to = "done"',
            'to = "done"\nguards = [{ name = "overdue", deadline = "answer", by = 1 }]',
            r"unknown \['by'\]",
        ),
        ('to = "done"', 'to = "done"\neffects = [{ name = "magic" }]', "unknown effect 'magic'"),
        ('to = "done"', 'to = "done"\neffects = [{ name = "count" }]', r"expected parameters \['fact'\]"),
        ('lives_in = ["waiting"]', 'lives_in = ["asleep"]', "unknown state 'asleep'"),
        ('lives_in = ["waiting"]', 'lives_in = ["@open"]', "unknown stage '@open'"),
        ('owner = "committee"', 'owner = "mayor"', "deadline answer: unknown role 'mayor'"),
        ('owner = "committee"', 'owner = "committee"\non_expiry = "ring"', "unknown trigger 'ring'"),
        ('owner = "committee"', 'owner = "committee"\nladder = "rope"', "unknown ladder 'rope'"),
        ('length = "@days"', 'length = "@weeks"', "expected a whole number or the @name of a setting"),
        ('length = "@days"', "length = 0", "a term lasts at least 1"),
        ('unit = "working_days"', 'unit = "moons"', "'moons' is not one of"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(old, new, told):
    assert old in SMALL
    with pytest.raises(DefinitionError, match=told):
        load_workflow(SMALL.replace(old, new, 1))


def test_a_setting_without_a_default_is_unlimited_and_no_error():
    assert load_workflow(SMALL.replace("default = 4", "").replace('"@days"', "4")).settings["days"].default is None


def test_the_settings_for_counting_reach_every_term():
    def counting(table):
        table["settings"]["count_first_day"]["default"] = True
        table["settings"]["makeup_days_count"]["default"] = False

    found = altered("annual@2022", counting).deadline("posting").term.counting
    assert (found.first_day_excluded, found.makeup_counts, found.roll_end) == (False, False, True)


def test_an_arrow_that_stays_is_one_arrow_for_each_state():
    stays = [
        t for t in library().workflow("annual@2022").transitions if t.trigger == "complain" and t.sources == (t.target,)
    ]
    assert {t.target for t in stays} >= {"settled", "opined", "recheck", "reposted"}


def test_the_fingerprint_changes_with_any_word_and_with_nothing_else():
    assert load_workflow(SMALL).fingerprint == load_workflow(SMALL + "\n# a comment\n").fingerprint
    assert load_workflow(SMALL).fingerprint != load_workflow(SMALL.replace('vi = "Chờ"', 'vi = "Đợi"')).fingerprint
    settled = altered("annual@2022", lambda t: arrow(t, "post", "agreed")["guards"][0].update(code="refused.fact"))
    assert settled.fingerprint != library().workflow("annual@2022").fingerprint


# What a regime inherits.


def test_tables_merge_key_by_key_and_lists_are_replaced():
    base = {"a": {"x": 1, "y": {"z": 2}}, "list": [1, 2]}
    assert resolve({"a": {"y": {"w": 3}}, "list": [9]}, base) == {"a": {"x": 1, "y": {"z": 2, "w": 3}}, "list": [9]}
    assert base == {"a": {"x": 1, "y": {"z": 2}}, "list": [1, 2]}


def test_lists_can_be_added_to_and_inherited_entries_left_out():
    base = {
        "states": {"a": {}, "b": {}},
        "triggers": {"go": {}, "stop": {}},
        "stages": {"open": ["a", "b"]},
        "deadlines": {"d": {"lives_in": ["a", "b"]}},
        "transitions": [
            {"trigger": "go", "from": ["a"], "to": "b"},
            {"trigger": "stop", "from": ["a", "b"], "to": "a"},
            {"trigger": "go", "from": ["b"], "to": "a"},
        ],
    }
    found = resolve({"without": ["states.b"], "add": {"transitions": [{"trigger": "x"}]}}, base)
    assert found["states"] == {"a": {}}
    assert found["stages"] == {"open": ["a"]}
    assert found["deadlines"] == {"d": {"lives_in": ["a"]}}
    assert found["transitions"] == [{"trigger": "stop", "from": ["a"], "to": "a"}, {"trigger": "x"}]
    assert resolve({"without": ["triggers.go"]}, base)["transitions"] == [base["transitions"][1]]
    assert resolve({"without": ["transitions.stop"]}, base)["triggers"] == base["triggers"]


def test_what_is_not_inherited_cannot_be_left_out():
    with pytest.raises(DefinitionError, match=r"without: states\.c is not inherited; states has a"):
        resolve({"without": ["states.c"]}, {"states": {"a": {}}})
    with pytest.raises(DefinitionError, match=r"add\.key: only lists can be added to"):
        resolve({"add": {"key": 1}}, {})


def test_stages_stand_for_their_states_wherever_a_list_names_them():
    table = {"stages": {"in": ["b", "c"], "all": ["a", "@in"]}, "x": [{"from": ["@all", "d"]}], "y": "@all"}
    assert expand(table) == {"x": [{"from": ["a", "b", "c", "d"]}], "y": "@all"}
    with pytest.raises(DefinitionError, match=r"unknown stage '@out'; \[stages\] has in"):
        expand({"stages": {"in": []}, "x": ["@out"]})
    with pytest.raises(DefinitionError, match="stages: expected a table of lists"):
        expand({"stages": {"in": "a"}})
