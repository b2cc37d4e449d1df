"""What docs/plans.md shows is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from rasoat.workflows.plans import SEVERITIES, Act, load_plan

PAGE = Path(__file__).resolve().parents[3] / "docs" / "plans.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_examples_give_what_they_show():
    results = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert results.attempted >= 12
    assert results.failed == 0


def test_every_code_is_listed_with_its_severity():
    listed = dict(re.findall(r"^\| `([a-z_.]+)` \| (error|warning|info) \|", TEXT, re.MULTILINE))
    assert listed == {code: severity.value for code, severity in SEVERITIES.items()}


def test_every_act_is_listed():
    assert [act for act in Act if f"`{act}`" not in TEXT] == []


def test_the_file_format_shown_is_the_one_that_is_read(tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    lines = [line for line in block.splitlines() if not re.match(r'(within|read_as|read_as_reason) = "…"', line)]
    path = tmp_path / "plan.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    plan = load_plan(path)
    assert (plan.key, plan.milestones[0].duties[0].levels) == ("mau-2024", ("district", "commune"))
