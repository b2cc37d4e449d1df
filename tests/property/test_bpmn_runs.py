"""Every procedure's BPMN is valid against the OMG schema and runs, step by step, as the definition says.

The judge is SpiffWorkflow, which shares no code with the exporter: it brings the schema, parses the document and
executes it. A lawful walk is drawn from the definition; the engine must take it and end where the definition ends.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser, BpmnValidator
from SpiffWorkflow.util.task import TaskState

from rasoat.engine.definition import DeadlineKind, StateKind
from rasoat.engine.exporting.bpmn import bpmn
from rasoat.engine.exporting.wording import arrows_of, leaves_anywhere, story
from tests.support.cases import library

PAST, NEVER = "2000-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
WANDERING = 8

every_workflow = pytest.mark.parametrize("workflow_id", library().ids())


@cache
def validator():
    return BpmnValidator()


@cache
def document(workflow_id):
    return etree.fromstring(bpmn(library().workflow(workflow_id)).encode())


@cache
def process(workflow_id):
    parser = BpmnParser()
    parser.add_bpmn_xml(document(workflow_id))
    return parser.get_spec(f"process_{workflow_id.replace('@', '_')}")


@every_workflow
@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_document_is_valid_against_the_omg_schema(workflow_id, language):
    validator().validate(etree.fromstring(bpmn(library().workflow(workflow_id), language).encode()))


def test_the_schema_would_refuse_a_faulty_document():
    text = bpmn(library().workflow("annual@2022")).replace("isExecutable", "isRunnable")
    with pytest.raises(Exception, match="isRunnable"):
        validator().validate(etree.fromstring(text.encode()))


@every_workflow
def test_every_role_that_acts_has_a_lane_and_every_node_lies_in_one(workflow_id):
    workflow, root = library().workflow(workflow_id), document(workflow_id)
    lanes = {lane.get("name"): [r.text for r in lane] for lane in root.iter(f"{BPMN}lane")}
    nodes = {e.get("id") for e in root.find(f"{BPMN}process") if e.tag != f"{BPMN}sequenceFlow" and e.get("id")}
    inside = [node for members in lanes.values() for node in members]
    assert sorted(inside) == sorted(nodes - {"lanes"})
    assert set(lanes) <= {role.label.vi for role in workflow.roles.values()}


@every_workflow
def test_everything_is_drawn_and_no_box_lies_on_another(workflow_id):
    root = document(workflow_id)
    shapes = {s.get("bpmnElement"): bounds(s) for s in root.iter(f"{DI}BPMNShape")}
    edges = {e.get("bpmnElement") for e in root.iter(f"{DI}BPMNEdge")}
    flows = {f.get("id") for f in root.iter(f"{BPMN}sequenceFlow")}
    hanging = {e.get("id") for e in root.iter(f"{BPMN}boundaryEvent")}
    elements = [e.get("id") for e in root.find(f"{BPMN}process") if e.get("id") not in {*flows, "lanes", None}]
    assert edges == flows
    assert set(elements) <= set(shapes)
    standing = [(key, shapes[key]) for key in elements if key not in hanging]
    touching = [(a, b) for i, (a, one) in enumerate(standing) for b, other in standing[i + 1 :] if overlap(one, other)]
    assert touching == []
    pool = shapes["pool"]
    assert all(within(box, pool) for box in shapes.values())


def bounds(shape):
    box = shape.find(f"{DC}Bounds")
    return tuple(float(box.get(name)) for name in ("x", "y", "width", "height"))


def overlap(a, b):
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def within(box, pool):
    return box[0] >= 0 and box[1] >= 0 and box[0] + box[2] <= pool[2] and box[1] + box[3] <= pool[3]


def walks(workflow):
    """Lawful walks through a definition, arrow by arrow, each to an end: wandering first, then the straight way out."""

    @st.composite
    def draw_walk(draw):
        order, arrows = story(workflow), []
        state = workflow.initial.key
        while workflow.states[state].kind is not StateKind.END:
            ways = [a for a in arrows_of(workflow) if a.source == state]
            if len(arrows) >= WANDERING:
                ways = [a for a in ways if not (a.stays or leaves_anywhere(workflow, a))]
                ways = [a for a in ways if order.index(a.target) > order.index(state)] or ways
            arrows.append(draw(st.sampled_from(ways)))
            state = arrows[-1].target
        return arrows

    return draw_walk()


def due(workflow, arrow):
    """When the timers of a step go off: the one that is taken at once, every other never."""
    fires = arrow.transition.trigger if arrow else None
    going = {r.key for r in workflow.deadlines if fires and r.on_expiry == fires and arrow.source in r.lives_in}
    return {f"due_{rule.key}": PAST if rule.key in going else NEVER for rule in workflow.deadlines}


def run(workflow_id, arrows, *, late=()):
    """Drive the process along a walk; return the ids of every node it completed, in order."""
    workflow, running = library().workflow(workflow_id), BpmnWorkflow(process(workflow_id))
    [start] = running.get_tasks(state=TaskState.READY)
    overdue = {f"due_{rule}": PAST for rule in late}
    start.data.update(due(workflow, arrows[0]) | overdue)
    running.do_engine_steps()
    for arrow, following in zip(arrows, [*arrows[1:], None], strict=True):
        asked = {"act": arrow.transition.trigger, "outcome": arrow.target} | due(workflow, following) | overdue
        if workflow.triggers[arrow.transition.trigger].is_timer:
            # The timer's own last day has been read by now: what follows may be set.
            for task in running.get_tasks(state=TaskState.READY | TaskState.WAITING):
                task.data.update(asked)
            running.refresh_timers()
        else:
            [task] = [t for t in running.get_tasks(state=TaskState.READY) if t.task_spec.manual]
            assert task.task_spec.bpmn_id == f"task_{arrow.source}"
            task.data.update(asked)
            task.run()
            running.refresh_timers()
        running.do_engine_steps()
    assert running.is_completed()
    return [t.task_spec.bpmn_id for t in running.get_tasks(state=TaskState.COMPLETED) if t.task_spec.bpmn_id]


@every_workflow
@settings(max_examples=12)
@given(data=st.data())
def test_every_lawful_walk_can_be_run_and_ends_where_the_definition_ends(workflow_id, data):
    arrows = data.draw(walks(library().workflow(workflow_id)))
    done = run(workflow_id, arrows)
    assert [node.removeprefix("end_").split("__")[0] for node in done if node.startswith("end_")] == [arrows[-1].target]
    assert not [node for node in done if node.startswith("overdue_")]


@every_workflow
def test_a_term_that_is_passed_is_told_and_the_case_goes_on(workflow_id):
    workflow = library().workflow(workflow_id)
    rule = next(r for r in workflow.deadlines if r.kind is not DeadlineKind.MINIMUM)
    arrows = straight(workflow, through=rule.lives_in)
    done = run(workflow_id, arrows, late=[rule.key])
    told = {node for node in done if node.startswith("overdue_")}
    assert told == {f"overdue_{a.source}__{rule.key}" for a in arrows if a.source in rule.lives_in}
    assert f"end_{arrows[-1].target}" in done


def straight(workflow, *, through):
    """The shortest walk to an end that passes one of some states, no withdrawal."""
    paths = [[a] for a in arrows_of(workflow) if a.source == workflow.initial.key]
    for path in paths:  # grows while it is read: breadth first
        last = path[-1]
        if workflow.states[last.target].kind is StateKind.END:
            if any(a.source in through for a in path) and not leaves_anywhere(workflow, last):
                return path
            continue
        seen = {a.source for a in path}
        paths += [[*path, a] for a in arrows_of(workflow) if a.source == last.target and a.target not in seen]
    pytest.fail(f"{workflow.id} has no way to an end through {through}")


@every_workflow
def test_a_posting_closes_by_itself_and_interrupts_its_step(workflow_id):
    workflow = library().workflow(workflow_id)
    closing = {(s, r.key) for r in workflow.deadlines if r.on_expiry for s in r.lives_in}
    interrupting = {
        tuple(e.get("id").removeprefix("timer_").split("__"))
        for e in document(workflow_id).iter(f"{BPMN}boundaryEvent")
        if e.get("cancelActivity") == "true"
    }
    assert interrupting == closing
