"""The whole OpenAPI document, tried with made-up requests: no 5xx, no answer the document does not know, no way in."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from rasoat.persistence.webhooks import WebhookRow, keep
from rasoat.workflows.migrations import shipped_migrations

EXAMPLES = int(os.environ.get("RASOAT_API_EXAMPLES", "4"))


def test_no_made_up_request_breaks_the_api_or_its_document(service):
    import schemathesis  # loaded by the worker that tries requests, not by every reading of this file

    ids = service.plant(villages=1, households=2)
    known = Known(service, [str(i) for i in ids.values()])
    token = service.token(scopes=("read", "act", "admin"), acts_for=("*",))
    bearer = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", service.app, headers=bearer)
    labels = []
    for found in schema.get_all_operations():
        operation = found.ok()
        labels.append(operation.label)
        _try(operation, bearer, known)
    assert len(labels) >= 70, labels


class Known:
    """What is there: half of the requests that fit the document are turned to it, so that they get somewhere."""

    def __init__(self, service, cases):
        with service.engine.database.read() as tx:
            deadline = tx.select(select(tx.tables.deadline.c.id).limit(1))[0][0]
        self.cases = cases
        self.body = {
            "deadlines": [str(deadline)], "unit": "42/446/18766", "round": "R-2022", "on": "2022-09-26",
            "case": cases[0],
        }  # fmt: skip
        self.parameters = {
            "case_id": cases[0], "deadline_id": str(deadline), "workflow_id": "annual@2022", "trigger": "meet",
            "path": "42/446/18766", "plan": next(iter(shipped_migrations())), "subscription_id": _subscription(service),
        }  # fmt: skip

    def lead(self, case):
        for name in case.path_parameters:
            code = "R-2022" if "/rounds/" in case.path else "18766-01-001"
            case.path_parameters[name] = self.parameters.get(name, code)
        if isinstance(case.body, dict):
            case.body |= {name: value for name, value in self.body.items() if name in case.body}
        if isinstance(case.body, dict) and "trigger" in case.body:
            case.body |= {"trigger": "list_managed", "occurred_on": "2022-09-26"}
            case.body |= {"cases": self.cases, "rows": {}} if "cases" in case.body else {}


def _subscription(service):
    now = service.clock.now()
    with service.engine.transaction() as tx:
        keep(tx, WebhookRow(7, "QT", "https://a.example", "42/446", (), "active", now, 1, now, now, ""))
    return "7"


def _checks():
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    # Left out: positive_data_acceptance. Whether a trigger, a cursor or a day is acceptable is not the schema's to say.
    return [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
        checks.negative_data_rejection,
        checks.missing_required_header,
        checks.unsupported_method,
        checks.ignored_auth,
    ]


def _try(operation, bearer, known):
    from schemathesis import GenerationMode

    checks = _checks()
    modes = st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    cases = modes.flatmap(lambda mode: operation.as_strategy(generation_mode=mode))

    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(case=cases, led=st.booleans())
    def one(case, led):
        if led and case.meta.generation.mode is GenerationMode.POSITIVE:
            known.lead(case)
        case.call_and_validate(headers=bearer, checks=checks)

    one()


def test_every_operation_but_health_asks_for_credentials(service):
    service.plant(villages=1, households=1)
    with service.client(service.token(scopes=("read", "act", "admin"))) as client:
        document = client.get("/openapi.json").json()
    with service.client() as nobody:
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                answer = nobody.request(method.upper(), path.replace("{", "x").replace("}", "x"))
                assert answer.status_code == (200 if path.startswith("/health/") else 401), path
                assert answer.status_code == 200 or operation["security"] == [{"HTTPBearer": []}], path


def test_a_path_that_is_not_there_is_not_told_to_a_stranger(service):
    with service.client() as nobody:
        assert nobody.get("/v1/nothing").status_code == 401
        assert nobody.get("/openapi.json").status_code == 401
        assert nobody.get("/docs").status_code == 401
