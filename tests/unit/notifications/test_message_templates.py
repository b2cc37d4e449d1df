"""Every kind of message reads well in both languages, in text and in HTML."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from rasoat.engine.tidings import TOLD
from rasoat.foundation.errors import DefinitionError, InputError
from rasoat.foundation.messages import LANGUAGES, Text, codes
from rasoat.notifications import wording
from rasoat.notifications.digests import Entry, UnitRate, catch_up, digest, weekly_summary
from rasoat.notifications.kinds import DETAILS, KINDS
from rasoat.notifications.rendering import render
from rasoat.notifications.wording import vietnamese_date


def label(vi, en):
    return {"vi": vi, "en": en}


STEP = label("Niêm yết kết quả", "Posting of the result")
DESK = label("Ban Chỉ đạo rà soát xã Cẩm Duệ", "Review committee of Cẩm Duệ")
CASE = {
    "count": 100,
    "counting": "household",
    "village": "thôn Phú Thượng",
    "households": [],
    "households_more": 0,
    "step": STEP,
    "desk": DESK,
    "article": "QĐ 24/2021/QĐ-TTg Đ4 k4 a",
    "due_on": "2022-10-27",
    "days_left": 2,
    "link": "https://rasoat.example.vn/lists/1?a=1&b=2",
    "reference": "0a1b2c3d",
    "as_of": "2022-10-25T08:00:00+07:00",
    "recipient_name": "Cán bộ B",
    "climbed": [{"role": label("Trưởng thôn", "Village head"), "unit": label("thôn 3", "village 3")}],
    "climbed_more": 2,
}


def entry(**changes):
    facts = {
        "kind": "deadline",
        "count": 100,
        "counting": "household",
        "village": "thôn Phú Thượng",
        "step": Text(**STEP),
        "desk": Text(**DESK),
        "due_on": None,
        "days_left": None,
    }
    return Entry(**(facts | changes))


def day(iso):
    return date.fromisoformat(iso)


THURSDAY = day("2022-10-27")
ENTRIES = [
    entry(village="thôn 1", due_on=day("2022-10-20"), days_left=-5),
    entry(village="thôn 2", due_on=THURSDAY, days_left=0),
    entry(village="thôn 3", due_on=day("2022-10-28"), days_left=1, count=1),
]
CHANGES = [entry(kind=kind) for kind in DETAILS]
LETTER = {
    "unit_name": "Ủy ban nhân dân xã Cẩm Duệ",
    "place": "Cẩm Duệ",
    "case": "2022-0417",
    "addressee": "",
    "procedure": label("Công nhận hộ cận nghèo", "Recognition as a near-poor household"),
    "received_on": "2022-09-16",
    "new_due_on": "2022-11-04",
    "reason": label("phải phúc tra sau khi có khiếu nại", "a re-check after a complaint"),
    "signer": label("Chủ tịch", "Chairman"),
}
SAMPLES = {
    "deadline": [{**CASE, "days_left": n} for n in (2, 1, 0, -1, -3, -5)],
    "breach": [
        {**CASE, "days_left": -1, "cause": label("chậm do phúc tra", "late because of the re-check")},
        {**CASE, "days_left": -1, "cause": None, "households": ["H1", "H2"], "households_more": 1},
        {**CASE, "days_left": -1, "cause": None, "count": 1, "counting": "case", "climbed_more": 1},
        {**CASE, "days_left": None, "cause": None},
        *({**CASE, "days_left": -1, "cause": None, "count": n, "counting": "person"} for n in (1, 2)),
        *({**CASE, "days_left": -1, "cause": None, "count": n, "counting": "round"} for n in (1, 2)),
    ],
    "calendar_change": [
        {**CASE, "households": ["H1"], "households_more": 99, "old_due_on": "2022-10-26", "decision": "12729/VPCP-KGVX"}
    ],
    "season_lost": [
        {**CASE, "count": 1, "counting": "round", "certain_on": "2022-12-11", "first_village": "thôn 3"}
        | {"villages": n, "pending": label("Niêm yết công khai", "Public posting")}
        for n in (1, 2)
    ],
    "term_decision": [
        {**CASE, "decided": decided, "decided_on": "2022-10-24", "old_due_on": "2022-10-26"}
        | {"document": "15/CĐ-UBND", "count": count}
        for decided in sorted(TOLD)
        for count in (1, 100)
    ],
    "act_waiting": [
        {**CASE, "act": label("cho ý kiến bằng văn bản", "the written opinion"), "since": "2022-10-20"},
        {**CASE, "act": label("ký quyết định", "sign the decision"), "since": "2022-10-20", "due_on": None}
        | {"days_left": None, "count": 2, "counting": "case"},
    ],
    "migration_done": [
        {**CASE, "plan": label("Bỏ cấp huyện", "End of the district level"), "from_version": "annual@2022"}
        | {"to_version": "annual@2025-07", "moved": 1204, "refused": 1}
    ],
    "job_stalled": [
        {"job": "ladder", "last_success": "2022-10-27T01:00:00+00:00", "problem": "database is locked"},
        {"job": "ladder", "last_success": None, "problem": "never started"},
    ],
    "unreachable": [{"office": label("Rà soát viên", "Enumerator"), "unit_name": "xã Cẩm Duệ", "count": 3}],
    "digest": [
        digest(THURSDAY, ENTRIES, CHANGES),
        digest(THURSDAY, [], CHANGES[:1]),
        catch_up(THURSDAY, [*ENTRIES, *CHANGES]) | {"left_out": 2},
    ],
    "weekly_summary": [
        weekly_summary(day("2022-10-24"), day("2022-10-30"), [UnitRate("xã Cẩm Duệ", 40, 37, 2)]),
        weekly_summary(day("2022-10-24"), day("2022-10-30"), [UnitRate("xã Cẩm Duệ", 0, 0, 0)]),
        weekly_summary(day("2022-10-24"), day("2022-10-30"), [UnitRate("xã Cẩm Duệ", 0, 0, 5)]),
        weekly_summary(day("2022-10-10"), day("2022-10-30"), [UnitRate("xã Cẩm Duệ", 40, 37, 2)]),
    ],
    "delay_notice": [
        {**CASE, **LETTER},
        {**CASE, **LETTER, "place": "", "case": "", "reason": None},
        {**CASE, **LETTER, "households": ["H1", "H2"], "households_more": 3},
    ],
    "channel_test": [{"channel": "email"}],
}
EVERY = [(kind, n, language) for kind in KINDS for n in range(len(SAMPLES[kind])) for language in LANGUAGES]


def plain(words):
    return " ".join(words.split())


class Page(HTMLParser):
    """Reads a page strictly: what is opened is closed in order, and what it says."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, source):
        super().__init__()
        self.open, self.faults, self.words, self.tags = [], [], [], []
        self.attributes = {}
        self.feed(source)
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.setdefault(tag, []).append(dict(attrs))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return plain(" ".join(self.words))


def test_every_kind_has_a_sample_and_no_sample_is_of_an_unknown_kind():
    assert set(SAMPLES) == set(KINDS)


@pytest.mark.parametrize(("kind", "n", "language"), EVERY)
def test_every_kind_renders_in_every_language(kind, n, language):
    shown = render(kind, language, SAMPLES[kind][n])
    assert shown.title
    assert "\n" not in shown.title
    assert shown.title not in shown.text
    for rendered in shown:
        assert "{" not in rendered.replace("{#", "")
        assert "None" not in rendered
        assert "\n\n\n" not in rendered
    page = Page(shown.html)
    assert page.faults == []
    assert plain(shown.title) in page.text
    assert page.attributes["html"] == [{"lang": language}]


@pytest.mark.parametrize(("kind", "n", "language"), EVERY)
def test_the_page_is_accessible_and_needs_nothing_from_elsewhere(kind, n, language):
    page = Page(render(kind, language, SAMPLES[kind][n]).html)
    assert page.tags.count("h1") == 1
    assert not {"img", "script", "link", "iframe", "style"} & set(page.tags)
    assert all(th.get("scope") in {"row", "col"} for th in page.attributes.get("th", []))
    assert page.tags.count("thead") == page.tags.count("caption")


@pytest.mark.parametrize(("kind", "n"), [(kind, n) for kind, n, language in EVERY if language == "vi"])
def test_the_two_languages_say_different_sentences(kind, n):
    vi, en = (render(kind, language, SAMPLES[kind][n]) for language in LANGUAGES)
    assert vi.title != en.title
    names = {"", "-- ", "=" * 60, "- xã Cẩm Duệ", LETTER["unit_name"].upper()}
    assert set(vi.text.splitlines()) & set(en.text.splitlines()) <= names


@pytest.mark.parametrize(("kind", "n", "language"), EVERY)
def test_text_and_page_say_the_same_facts(kind, n, language):
    shown = render(kind, language, SAMPLES[kind][n])
    spoken = Page(shown.html).text.casefold()
    for line in shown.text.splitlines():
        fact = line.removeprefix("- ").split(": ")[-1].strip(" -=").casefold()
        assert plain(fact) in spoken or fact.startswith("https://")


def test_every_sentence_of_the_catalogue_is_said_somewhere(monkeypatch):
    said = set()
    speak = wording.sentence

    def listening(code, language, **fields):
        said.add(f"notify.{code}")
        return speak(code, language, **fields)

    monkeypatch.setattr(wording, "sentence", listening)
    for kind, n, language in EVERY:
        render(kind, language, SAMPLES[kind][n])
    for month in range(1, 13):
        for weekday in range(1, 8):
            vietnamese_date(day(f"2023-{month:02}-{weekday:02}"))
    assert {code for code in codes() if code.startswith("notify.")} - said == set()


def test_a_kind_without_template_fails():
    with pytest.raises(DefinitionError, match=r"carrier_pigeon\.vi\.txt\.j2"):
        render("carrier_pigeon", "vi", {})


def test_an_unknown_language_fails():
    with pytest.raises(InputError, match="'fr'"):
        render("channel_test", "fr", {"channel": "email"})


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_fact_fails_instead_of_leaving_a_gap(kind):
    with pytest.raises(InputError):
        render(kind, "vi", {})


def test_no_template_stands_beside_the_kinds():
    templates = {entry.name for entry in (files("rasoat.notifications") / "templates").iterdir()}
    kinds = {name.split(".")[0] for name in templates if not name.startswith("_")}
    assert kinds == set(KINDS)


def test_the_last_day_days_left_article_desk_and_link_are_in_a_reminder():
    shown = render("deadline", "vi", SAMPLES["deadline"][0])
    assert shown.title == "Còn 2 ngày làm việc: Niêm yết kết quả – 100 hộ, thôn Phú Thượng"
    for fact in ("thứ Năm, 27/10/2022", "QĐ 24/2021/QĐ-TTg Đ4 k4 a", "Ban Chỉ đạo rà soát xã Cẩm Duệ", CASE["link"]):
        assert fact in shown.text
    assert "Trưởng thôn tại thôn 3" in shown.text


def test_the_six_rungs_are_told_apart_by_the_days_left():
    titles = [render("deadline", "vi", data).title.split(":")[0] for data in SAMPLES["deadline"]]
    assert titles == [
        "Còn 2 ngày làm việc",
        "Còn 1 ngày làm việc",
        "Hết hạn hôm nay",
        "Quá hạn 1 ngày làm việc",
        "Quá hạn 3 ngày làm việc",
        "Quá hạn 5 ngày làm việc",
    ]


def test_household_codes_are_shown_with_how_many_more():
    assert "- Mã hộ: H1, H2, và 1 mục khác" in render("breach", "vi", SAMPLES["breach"][1]).text
    assert "Mã hộ" not in render("breach", "vi", SAMPLES["breach"][0]).text


def test_the_letter_of_apology_names_both_dates_and_leaves_signature_and_number_blank():
    text = render("delay_notice", "vi", SAMPLES["delay_notice"][0]).text
    for part in (
        "PHIẾU XIN LỖI VÀ HẸN LẠI NGÀY TRẢ KẾT QUẢ",
        "Ngày hẹn trả kết quả: thứ Năm, 27/10/2022",
        "hẹn trả kết quả vào thứ Sáu, 04/11/2022",
        "Số: ……",
        "Ngày 16/09/2022, Ủy ban nhân dân xã Cẩm Duệ tiếp nhận hồ sơ 2022-0417",
    ):
        assert part in text


def test_names_from_data_cannot_bring_markup_into_the_page():
    data = {**CASE, "village": '<script>alert("x")</script>', "link": 'https://x/"><b>'}
    shown = render("deadline", "vi", data)
    page = Page(shown.html)
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert '<script>alert("x")</script>' in page.text
    assert re.search(r"<script>", shown.text)


def test_a_host_overrides_one_kind_one_format_or_one_language(tmp_path):
    (tmp_path / "channel_test.vi.html.j2").write_text("<p>{{ channel }} của chúng tôi</p>", encoding="utf-8")
    own = render("channel_test", "vi", {"channel": "email"}, templates=tmp_path)
    built_in = render("channel_test", "vi", {"channel": "email"})
    assert own.html == "<p>email của chúng tôi</p>\n"
    assert own.text == built_in.text
    assert render("channel_test", "en", {"channel": "email"}, templates=tmp_path).html.startswith("<!DOCTYPE")


@pytest.mark.parametrize("escape", ["{{ channel.__class__.__mro__ }}", "{{ households.append('H9') }}"])
def test_a_template_of_the_host_runs_in_a_sandbox_and_changes_nothing(tmp_path, escape):
    (tmp_path / "channel_test.j2").write_text(escape, encoding="utf-8")
    data = {"channel": "email", "households": []}
    with pytest.raises(InputError, match=r"unsafe|not safely callable"):
        render("channel_test", "vi", data, templates=tmp_path)
    assert data["households"] == []


def test_the_title_of_an_idle_week_does_not_hide_what_is_overdue():
    idle, late = (render("weekly_summary", "vi", SAMPLES["weekly_summary"][n]).title for n in (1, 2))
    assert (idle.endswith("không có việc đến hạn"), late.endswith("5 việc đang quá hạn")) == (True, True)
