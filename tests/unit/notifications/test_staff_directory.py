from __future__ import annotations

from datetime import date, time

import pytest
from structlog.testing import capture_logs

from rasoat.foundation.errors import DefinitionError
from rasoat.notifications.directory import Climb, resolve
from rasoat.notifications.directory_file import load, parse
from rasoat.notifications.preferences import QuietHours, Route

DISTRICT = "ha-tinh/cam-xuyen"
COMMUNE = f"{DISTRICT}/cam-due"
VILLAGE = f"{COMMUNE}/thon-1"
DAY = date(2022, 10, 27)


def keys(recipients):
    return [recipient.key for recipient in recipients]


def test_the_holder_of_a_role_in_a_unit_is_found_with_addresses_and_language(directory):
    (head,) = directory.holders("village_head", VILLAGE, DAY)
    assert (head.key, head.role, head.unit, head.language) == (
        "village-head",
        "village_head",
        "ha-tinh/cam-xuyen/cam-due/thon-1",
        "vi",
    )
    assert head.addresses == {"email": "thon@example.vn"}


def test_a_role_of_another_unit_or_another_role_of_the_unit_is_not_found(directory):
    assert directory.holders("village_head", f"{COMMUNE}/thon-2", DAY) == ()
    assert directory.holders("village_head", COMMUNE, DAY) == ()


@pytest.mark.parametrize(
    ("on", "found"), [(date(2025, 6, 29), True), (date(2025, 6, 30), True), (date(2025, 7, 1), False)]
)
def test_a_post_is_held_to_its_last_day_inclusive(directory, on, found):
    assert bool(directory.holders("district_chairman", DISTRICT, on)) is found


def test_a_post_begins_on_its_first_day(staff):
    staff["post"][0]["from"] = DAY
    assert parse(staff).holders("village_head", VILLAGE, date(2022, 10, 26)) == ()
    assert keys(parse(staff).holders("village_head", VILLAGE, DAY)) == ["village-head"]


def test_several_may_hold_one_role_and_are_all_told(staff):
    staff["post"].append({"person": "deputy", "role": "commune_committee", "unit": COMMUNE})
    assert keys(parse(staff).holders("commune_committee", COMMUNE, DAY)) == ["committee", "deputy"]


def away(person, deputy=None, first=DAY, last=DAY):
    entry = {"person": person, "from": first, "until": last}
    return entry | ({"deputy": deputy} if deputy else {})


def test_while_someone_is_away_the_deputy_is_told_in_the_same_role(staff):
    staff["absence"] = [away("committee", "deputy", date(2022, 10, 24), date(2022, 10, 28))]
    directory = parse(staff)
    (told,) = directory.holders("commune_committee", COMMUNE, DAY)
    assert (told.key, told.role, told.language) == ("deputy", "commune_committee", "en")
    assert keys(directory.holders("commune_committee", COMMUNE, date(2022, 10, 29))) == ["committee"]


def test_a_deputy_who_is_away_too_passes_on_to_the_next(staff):
    staff["absence"] = [away("committee", "deputy"), away("deputy", "district")]
    assert keys(parse(staff).holders("commune_committee", COMMUNE, DAY)) == ["district"]


def test_deputies_in_a_circle_are_nobody(staff):
    staff["absence"] = [away("committee", "deputy"), away("deputy", "committee")]
    assert parse(staff).holders("commune_committee", COMMUNE, DAY) == ()


def test_a_deputy_who_holds_the_role_too_is_told_once(staff):
    staff["post"].append({"person": "deputy", "role": "commune_committee", "unit": COMMUNE})
    staff["absence"] = [away("committee", "deputy")]
    assert keys(parse(staff).holders("commune_committee", COMMUNE, DAY)) == ["deputy"]


def test_someone_found_at_once_needs_no_climb(directory):
    found = resolve(directory, "village_head", VILLAGE, DAY)
    assert keys(found.recipients) == ["village-head"]
    assert found.climbed == ()


def test_with_nobody_at_the_desk_the_next_level_up_is_told(staff):
    staff["absence"] = [away("village-head"), away("committee")]
    found = resolve(parse(staff), "village_head", VILLAGE, DAY)
    assert keys(found.recipients) == ["district"]
    assert found.climbed == (Climb("village_head", VILLAGE), Climb("commune_committee", COMMUNE))


def test_with_nobody_up_to_the_top_every_level_asked_is_named(staff):
    staff["post"] = []
    found = resolve(parse(staff), "village_head", VILLAGE, DAY)
    assert found.recipients == ()
    assert [climb.unit for climb in found.climbed] == [VILLAGE, COMMUNE, DISTRICT, "ha-tinh"]


def test_a_role_without_superior_is_sought_by_the_same_name_one_level_up(staff):
    staff["post"] = [{"person": "district", "role": "inspector", "unit": "ha-tinh"}]
    found = resolve(parse(staff), "inspector", VILLAGE, DAY)
    assert keys(found.recipients) == ["district"]


def test_wishes_are_read_from_the_file(staff):
    staff["person"][1] |= {
        "channels": ["inbox"],
        "routes": {"urgent": {"channels": ["email", "inbox"]}, "warning": {"delivery": "digest"}},
        "quiet": {"from": time(20), "until": time(6, 30), "days_off": True, "except": ["breach"]},
    }
    wishes = parse(staff).preferences("committee")
    assert wishes.route("urgent") == Route("immediate", ("email", "inbox"))
    assert wishes.route("warning") == Route("digest", ("inbox",))
    assert wishes.route("breach") == Route("immediate", ("inbox",))
    assert wishes.quiet == QuietHours(time(20), time(6, 30), days_off=True, except_for=frozenset({"breach"}))


def test_without_wishes_news_goes_to_the_digest_and_the_rest_at_once_over_every_address(directory):
    wishes = directory.preferences("committee")
    assert wishes.route("info") == Route("digest", ("email", "inbox"))
    assert wishes.route("warning") == Route("immediate", ("email", "inbox"))
    assert wishes.quiet is None


def person(**changes):
    return {"person": [{"key": "k", "name": "n", "addresses": {"email": "a@example.vn"}} | changes]}


def post(**changes):
    return person() | {"post": [{"person": "k", "role": "r", "unit": "a/b"} | changes]}


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"persons": []}, "unknown key persons"),
        ({"person": {}}, "not a list"),
        ({"person": ["k"]}, "not a list of tables"),
        ({"person": [{"name": "n"}]}, "'key' is missing"),
        (person(nickname="x"), "person 'k': unknown key nickname"),
        (person(name=3), "name = 3 is not a str"),
        (person(language="fr"), "language = 'fr'"),
        (person(addresses={}), "at least one address"),
        (person(addresses={"email": 7}), "email = 7"),
        (person(addresses={"email": " "}), "is not an address"),
        (person(channels=["sms"]), "'sms' is preferred"),
        (person(channels="email"), "channels = 'email' is not a list"),
        (person(channels=[1]), "not a list of names"),
        (person(routes={"loud": {}}), "'loud' is not one of"),
        (person(routes={"info": {"delivery": "never"}}), "delivery = 'never'"),
        (person(routes={"info": {"channels": []}}), "would reach nobody"),
        (person(routes={"info": {"channels": ["sms"]}}), "'sms' is preferred"),
        (person(routes={"info": {"via": "x"}}), "unknown key via"),
        (person(quiet={"from": time(20)}), "'until' is missing"),
        (person(quiet={"from": "20:00", "until": time(6)}), "is not a time"),
        (person(quiet={"from": time(20), "until": time(6), "except": ["loud"]}), "except = "),
        (post(person="x"), "post names the person 'x'"),
        (post(unit="a//b"), "not a path of unit codes"),
        (post(**{"from": date(2022, 2, 1), "until": date(2022, 1, 31)}), "lies before"),
        (post(**{"from": "2022-02-01"}), "is not a date"),
        (person() | {"absence": [{"person": "k", "from": DAY}]}, "'until' is missing"),
        (person() | {"absence": [away("k", last=date(2022, 10, 26))]}, "lies before"),
        (person() | {"absence": [away("x")]}, "absence names the person 'x'"),
        (person() | {"absence": [away("k", "x")]}, "deputy names the person 'x'"),
        ({"person": person()["person"] * 2}, "person key given twice: k"),
        (person() | {"superiors": {"r": 3}}, "r = 3 is not the name of a role"),
    ],
)
def test_a_faulty_directory_is_refused_and_the_fault_named(document, fault):
    with pytest.raises(DefinitionError, match=fault.replace("(", r"\(")):
        parse(document)


def test_a_directory_file_is_read_whole(tmp_path):
    file = tmp_path / "directory.toml"
    file.write_text(
        """
        [[person]]
        key = "k"
        name = "Cán bộ K"
        addresses = { email = "k@example.vn" }
        quiet = { from = 20:00:00, until = 06:30:00 }

        [[post]]
        person = "k"
        role = "commune_committee"
        unit = "ha-tinh / cam-xuyen / cam-due"
        from = 2022-01-01
        """,
        encoding="utf-8",
    )
    directory = load(file)
    assert keys(directory.holders("commune_committee", COMMUNE, DAY)) == ["k"]
    assert directory.preferences("k").quiet == QuietHours(time(20), time(6, 30))


@pytest.mark.parametrize(("content", "fault"), [("[[person", "not valid TOML"), ("x = 1", "unknown key x")])
def test_a_fault_names_the_file(tmp_path, content, fault):
    file = tmp_path / "directory.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DefinitionError, match=rf"directory\.toml: .*{fault}"):
        load(file)


def test_without_a_supervisor_the_nearest_committee_is_told_and_the_message_can_say_so(staff):
    staff["post"] = [{"person": "committee", "role": "committee", "unit": COMMUNE}]
    found = resolve(parse(staff), "supervisor", VILLAGE, DAY)
    assert keys(found.recipients) == ["committee"]
    assert [(climb.role, climb.unit) for climb in found.climbed[:2]] == [
        ("supervisor", VILLAGE), ("supervisor", COMMUNE)
    ]  # fmt: skip


def test_a_supervisor_anywhere_above_comes_before_the_committee_next_door(staff):
    staff["post"] = [
        {"person": "committee", "role": "committee", "unit": COMMUNE},
        {"person": "district", "role": "supervisor", "unit": "ha-tinh"},
    ]
    assert keys(resolve(parse(staff), "supervisor", VILLAGE, DAY).recipients) == ["district"]


@pytest.mark.parametrize(("role", "told"), [("supervisor", None), ("committee", "committee"), ("enumerator", "nobody")])
def test_a_file_without_supervisor_is_taken_with_a_warning_that_names_who_is_told(tmp_path, role, told):
    path = tmp_path / "can-bo.toml"
    person = '[[person]]\nkey = "p"\nname = "P"\naddresses = { email = "p@example.vn" }\n'
    path.write_text(f'{person}[[post]]\nperson = "p"\nrole = "{role}"\nunit = "42"\n', encoding="utf-8")
    with capture_logs() as logs:
        load(path)
    found = [entry["told_instead"] for entry in logs if entry["event"] == "nobody_supervises"]
    assert found == ([] if told is None else [told])
