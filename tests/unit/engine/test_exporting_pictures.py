"""A procedure drawn and tabled: nothing is left out, no text covers another, one case's step stands out."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from rasoat.engine.definition import StateKind
from rasoat.engine.exporting.formats import FORMATS, export
from rasoat.engine.exporting.layering import LayoutEdge, LayoutNode, layered
from rasoat.engine.exporting.markdown import markdown, table
from rasoat.engine.exporting.measuring import width_of, wrapped
from rasoat.engine.exporting.mermaid import mermaid
from rasoat.engine.exporting.petri import pnml
from rasoat.engine.exporting.placing import pooled
from rasoat.engine.exporting.svg import svg
from rasoat.engine.exporting.wording import Wording, arrows_of, leaves_anywhere, story
from rasoat.foundation.errors import InputError, NotFoundError
from rasoat.foundation.messages import codes
from tests.support.cases import library

SVG = "{http://www.w3.org/2000/svg}"
every_workflow = pytest.mark.parametrize("workflow_id", library().ids())


def workflow(workflow_id="annual@2022"):
    return library().workflow(workflow_id)


def words(element):
    return " ".join(text.text for text in element.iter(f"{SVG}text"))


@every_workflow
@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_picture_shows_every_state_act_term_and_article(workflow_id, language):
    known = workflow(workflow_id)
    root = etree.fromstring(svg(known, language).encode())
    shown, wording = words(root), Wording(known, language)
    missing = [s.key for s in known.states.values() if wording.state(s.key) not in shown]
    missing += [t.trigger for t in known.transitions if wording.trigger(t.trigger) not in shown]
    missing += [t.key for t in known.transitions if wording.provision(t.article) not in shown]
    missing += [r.key for r in known.deadlines if r.label.within(language) not in shown]
    assert missing == []


@every_workflow
def test_no_box_and_no_label_of_the_picture_covers_another(workflow_id):
    root = etree.fromstring(svg(workflow(workflow_id)).encode())
    drawing = root.find(f"{SVG}g")
    boxes = [rectangle(g.find(f"{SVG}rect")) for g in drawing if g.find(f"{SVG}rect") is not None]
    labels = [text_box(g) for g in drawing if g.get("class", "").startswith("arrow")]
    everything = [*boxes, *labels]
    assert len(boxes) >= len(workflow(workflow_id).states)
    assert [(a, b) for i, a in enumerate(everything) for b in everything[i + 1 :] if overlap(a, b)] == []


def rectangle(rect):
    return tuple(float(rect.get(name)) for name in ("x", "y", "width", "height"))


def text_box(group):
    lines = [(float(t.get("x")), float(t.get("y")), width_of(t.text, 10.0)) for t in group.iter(f"{SVG}text")]
    left, top, bottom = min(x for x, _, _ in lines), min(y for _, y, _ in lines) - 9, max(y for _, y, _ in lines)
    return left, top, max(w for _, _, w in lines), bottom - top


def overlap(a, b):
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def test_the_text_of_a_box_stays_inside_it():
    root = etree.fromstring(svg(workflow()).encode())
    for group in root.find(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        if rect is not None:
            x, y, width, height = rectangle(rect)
            for text in group.iter(f"{SVG}text"):
                size = 13.0 if text.get("class") == "name" else 11.0
                assert width_of(text.text, size, bold=size > 11) <= width
                assert y < float(text.get("y")) < y + height
                assert x < float(text.get("x")) < x + width


def test_the_step_of_a_case_stands_out_in_every_form_that_shows_one():
    root = etree.fromstring(svg(workflow(), current="posted").encode())
    current = [g.get("id") for g in root.iter(f"{SVG}g") if "current" in g.get("class", "").split()]
    assert current == ["state-posted"]
    assert "Đang niêm yết công khai" in root.find(f"{SVG}desc").text
    assert "class s_posted current" in mermaid(workflow(), current="posted")
    assert "**→ Đang niêm yết công khai**" in markdown(workflow(), current="posted")
    plain = svg(workflow()) + mermaid(workflow()) + markdown(workflow())
    assert "current" not in re.sub(r"<style>.*?</style>", "", plain, flags=re.DOTALL)


def test_a_state_the_procedure_lacks_and_a_form_without_cases_are_refused():
    with pytest.raises(NotFoundError, match="has no state 'lost'"):
        export(workflow(), "svg", current="lost")
    with pytest.raises(InputError, match="describes the procedure alone"):
        export(workflow(), "bpmn", current="posted")
    with pytest.raises(InputError, match="expected one of mermaid"):
        export(workflow(), "visio")


@every_workflow
@pytest.mark.parametrize("form", FORMATS)
def test_every_form_is_the_same_text_every_time(workflow_id, form):
    assert export(workflow(workflow_id), form) == export(workflow(workflow_id), form) != ""


@every_workflow
def test_mermaid_has_every_arrow_and_no_mark_of_its_own_inside_a_label(workflow_id):
    known = workflow(workflow_id)
    lines = [line.strip() for line in mermaid(known).splitlines()]
    drawn = [re.match(r"s_(\w+) --> s_(\w+) : (.*)", line) for line in lines]
    drawn = [match.groups() for match in drawn if match]
    wanted = [(a.source, a.target) for a in arrows_of(known) if not leaves_anywhere(known, a)]
    assert sorted((a, b) for a, b, _ in drawn) == sorted(wanted)
    assert [label for _, _, label in drawn if re.search(r'[:";<>]', re.sub(r"#\w+;", "", label))] == []


@every_workflow
def test_the_table_has_a_row_for_every_state_arrow_term_and_setting(workflow_id):
    known, page = workflow(workflow_id), markdown(workflow(workflow_id))
    for key in (*known.states, *(r.key for r in known.deadlines), *known.settings):
        assert f"`{key}`" in page
    assert page.count(" (`") >= len(known.transitions)
    widths = {line.replace("\\|", "").count("|") for line in page.splitlines() if line.startswith("|")}
    assert widths <= {5, 6, 7}


def test_a_bar_in_a_cell_does_not_break_the_table():
    assert table(["a"], [["x|y\nz"]]).splitlines()[-1] == "| x\\|y z |"


@every_workflow
def test_json_holds_the_whole_definition(workflow_id):
    known = workflow(workflow_id)
    found = json.loads(export(known, "json"))
    assert (found["id"], found["fingerprint"]) == (known.id, known.fingerprint)
    assert set(found["states"]) == set(known.states)
    assert len(found["transitions"]) == len(known.transitions)
    assert found["deadlines"][0]["lives_in"] == sorted(known.deadlines[0].lives_in)
    assert found["effective_from"] == known.effective_from.isoformat()


@every_workflow
def test_every_guard_and_every_provision_has_words_in_both_languages(workflow_id):
    known = workflow(workflow_id)
    used = {use.name for t in known.transitions for use in t.guards}
    assert {name for name in used if f"export.guard.{name}" not in codes()} == set()
    for language in ("vi", "en"):
        wording = Wording(known, language)
        assert all(wording.guards(t) or not t.guards for t in known.transitions)


@every_workflow
def test_no_guard_is_told_in_codes(workflow_id):
    """What an official reads of a shipped procedure names no field, fact or value as programs do."""
    known = workflow(workflow_id)
    codes_of_words = {code.removeprefix("export.word.") for code in codes() if code.startswith("export.word.")}
    for language in ("vi", "en"):
        for told in (line for t in known.transitions for line in Wording(known, language).guards(t)):
            assert not re.search(r"[a-z]_[a-z]|[{}@]|\b(True|False|None)\b", told), told
    told = {word for t in known.transitions for line in Wording(known, "vi").guards(t) for word in line.split()}
    assert told.isdisjoint(codes_of_words)


def test_a_day_of_the_year_is_told_as_officials_write_it():
    known = workflow("annual@2025")
    told = {line for t in known.transitions for line in Wording(known, "vi").guards(t)}
    assert "không sau ngày cuối của khung trong năm (14/12)" in told
    assert "từ ngày niêm yết đến hết ngày cuối của niêm yết" in told
    assert "diện đưa vào danh sách là: đang quản lý" in told


def test_a_hosts_own_guard_is_shown_by_name_with_its_parameters():
    use = workflow().transitions[1].guards[0].__class__("own_guard", {"a": 1, "b": ["x", "y"]})
    assert Wording(workflow(), "vi").guard(use) == "own_guard(a=1, b=x, y)"


@every_workflow
def test_the_story_tells_every_state_once_and_each_after_one_that_leads_to_it(workflow_id):
    known = workflow(workflow_id)
    told = story(known)
    assert sorted(told) == sorted(known.states)
    for i, key in enumerate(told[1:], 1):
        into = {a.source for a in arrows_of(known) if a.target == key and not a.stays}
        assert into & set(told[:i])


@every_workflow
def test_the_net_moves_as_the_definition_does(workflow_id):
    known = workflow(workflow_id)
    root = etree.fromstring(pnml(known).encode())
    names = {t.get("id"): t.find("name/text").text for t in root.iter("transition")}
    arcs = [(a.get("source"), a.get("target")) for a in root.iter("arc")]
    into, out = {t: s for s, t in arcs if t in names}, {s: t for s, t in arcs if s in names}
    moves = [(into[key], name, out[key]) for key, name in names.items()]
    ends = {s.key for s in known.states.values() if s.kind is StateKind.END}

    def place(state):
        return "done" if state in ends else f"p_{state}"

    steps = {(place(a.source), a.transition.trigger, place(a.target)) for a in arrows_of(known)}
    told = {(place(s), f"breach:{r.key}", place(s)) for r in known.deadlines if r.kind != "minimum" for s in r.lives_in}
    assert sorted(moves) == sorted({("before", "opened", place(known.initial.key)), *steps, *told})


sizes = st.floats(min_value=10, max_value=200)


@st.composite
def graphs(draw):
    count = draw(st.integers(2, 9))
    nodes = [LayoutNode(f"n{i}", draw(sizes), draw(sizes)) for i in range(count)]
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] != pair[1])
    pairs = draw(st.lists(ends, min_size=1, max_size=16, unique=True))
    return nodes, [LayoutEdge(f"e{a}-{b}", f"n{a}", f"n{b}", draw(sizes), draw(sizes)) for a, b in pairs]


@given(graphs())
def test_any_graph_is_laid_out_without_overlap_and_its_arrows_touch_their_boxes(graph):
    nodes, edges = graph
    layout = layered(nodes, edges)
    everything = [*layout.boxes.values(), *(route.label for route in layout.routes.values())]
    assert not any(overlap(a, b) for i, a in enumerate(everything) for b in everything[i + 1 :])
    for edge in edges:
        route = layout.routes[edge.key]
        for point, end in ((route.points[0], edge.source), (route.points[-1], edge.target)):
            box = layout.boxes[end]
            assert box.x <= point.x <= box.x + box.width
            assert point.y in {box.y, box.y + box.height}


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 5)), min_size=1, max_size=8), st.data())
def test_pooling_gives_the_nearest_rising_sequence(pairs, data):
    wishes, weights = [w for w, _ in pairs], [w for _, w in pairs]
    found = pooled(wishes, weights)
    assert all(a <= b + 1e-9 for a, b in pairwise(found))
    other = sorted(data.draw(st.lists(st.integers(-50, 50), min_size=len(pairs), max_size=len(pairs))))

    def cost(values):
        return sum(w * (v - x) ** 2 for v, x, w in zip(values, wishes, weights, strict=True))

    assert cost(found) <= cost(other) + 1e-6


@given(st.text(alphabet="aăâđêôơưạ bcWi .,", max_size=60), st.integers(40, 200))
def test_wrapping_keeps_every_word_and_the_limit(text, limit):
    lines = wrapped(text, 11.0, limit)
    assert " ".join(lines).split() == text.split()
    assert all(width_of(line, 11.0) <= limit or " " not in line for line in lines)
