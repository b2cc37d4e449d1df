"""Help is Vietnamese first: every command, option and argument has its sentence, and no sentence stands for nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import typer.main
from typer.testing import CliRunner

from rasoat.cli import app
from rasoat.commands._helping import help_tables, vietnamese
from rasoat.commands._speaking import asked_for

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNNER = CliRunner()
ROOT: Any = typer.main.get_command(app)
ENGLISH_WORDS = (
    "Usage",
    "Options",
    "Arguments",
    "Commands",
    "Example",
    "[required]",
    "[default",
    "[env var",
    "[OPTIONS]",
)
VIETNAMESE = re.compile(r"[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE)


def walked(command: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from walked(below, (*path, name))


TREE = dict(walked())


def parameters() -> Iterator[tuple[tuple[str, ...], Any]]:
    for path, command in TREE.items():
        context = command.make_context("rasoat", [], resilient_parsing=True)
        yield from ((path, parameter) for parameter in command.get_params(context))


def wanted() -> Iterator[tuple[tuple[str, ...], str, str | None]]:
    """What help tells: of which command, under which key, in which English words."""
    for path, command in TREE.items():
        yield path, "summary", command.help
        if command.epilog and "Example" not in command.epilog:
            yield path, "epilog", command.epilog
    for path, parameter in parameters():
        yield path, parameter.name, parameter.help
        if isinstance(parameter.show_default, str):
            yield path, f"{parameter.name}_default", parameter.show_default


def helped(*words: str) -> str:
    done = RUNNER.invoke(app, [*words, "--help"], prog_name="rasoat", env={"LC_ALL": "vi_VN.UTF-8"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_command_option_and_argument_has_help_in_vietnamese() -> None:
    lacking = [f"{' '.join(path)}: {key}" for path, key, _ in wanted() if not vietnamese(path, key)[1]]
    assert lacking == []


def test_no_vietnamese_help_stands_for_nothing() -> None:
    used = {(vietnamese(path, key)[0], key) for path, key, _ in wanted()}
    metavars = {("metavar", parameter.metavar) for _, parameter in parameters() if parameter.metavar is not None}
    written = {(table, key) for table, sentences in help_tables().items() for key in sentences}
    assert written - used - metavars == set()
    assert metavars - written == set()


def test_one_vietnamese_sentence_stands_for_one_english_sentence() -> None:
    """A parameter that means something else in one command has to say so there, not fall back on its family's."""
    english = defaultdict(set)
    for path, key, said in wanted():
        english[vietnamese(path, key)[0], key].add(said)
    assert {place: said for place, said in english.items() if len(said) > 1} == {}


def test_help_in_vietnamese_is_in_vietnamese() -> None:
    tables = {name: table for name, table in help_tables().items() if name != "metavar"}
    told = {(name, key): said for name, table in tables.items() for key, said in table.items()}
    assert [place for place, said in told.items() if not VIETNAMESE.search(said)] == []


@pytest.mark.parametrize("path", [path for path, command in TREE.items() if hasattr(command, "commands")], ids=" ".join)
def test_a_family_s_page_has_no_english_word_of_typer_s(path: tuple[str, ...]) -> None:
    page = helped(*path)
    assert [word for word in ENGLISH_WORDS if word in page] == []
    assert "Cách dùng: rasoat" in page
    assert "Hiện hướng dẫn này rồi dừng." in page


@pytest.mark.parametrize("words", [("act",), ("calendar", "diff"), ("backup",), ("audit", "prove")], ids=" ".join)
def test_a_command_s_page_has_no_english_word_of_typer_s(words: tuple[str, ...]) -> None:
    page = helped(*words)
    assert [word for word in ENGLISH_WORDS if word in page] == []
    assert "Ví dụ:" in page
    assert "Tùy chọn" in page


def test_the_examples_are_the_same_in_both_languages() -> None:
    english = RUNNER.invoke(app, ["act", "--help", "--lang", "en"], prog_name="rasoat").stdout
    vietnamese_page = helped("act")
    for page in (english, vietnamese_page):
        assert "rasoat act meet --round 18766-2022" in page
    assert "Ví dụ:" in vietnamese_page
    assert "Ví dụ:" not in english
    assert "Do an act to cases." in english


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        (["due", "--help", "--lang", "en"], {}, "en"),
        (["due", "--lang=en", "--help"], {}, "en"),
        (["due", "--language", "vi", "--help"], {"LC_ALL": "en_US.UTF-8"}, "vi"),
        (["--lang", "en", "due", "--lang", "vi"], {}, "vi"),
        (["due", "--", "--lang", "en"], {}, "vi"),
        (["due"], {"RASOAT_LANG": "en"}, "en"),
        (["due", "--lang", "fr"], {"RASOAT_LANG": "tlh", "LC_ALL": "en_US.UTF-8"}, "en"),
        (["due", "--lang"], {}, "vi"),
        ([], {}, "vi"),
    ],
)
def test_the_language_is_known_before_the_command_line_is_read(
    words: list[str], environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert asked_for(words) == expected


@pytest.mark.parametrize(
    ("words", "vi", "en"),
    [
        (["due"], "Thiếu tham số 'NGÀY'.", "Missing argument 'DAY'."),
        (
            ["due", "2025-12-31", "x"],
            "Giá trị của 'length' không hợp lệ: cần một số nguyên.",
            "Invalid value for 'length': ",
        ),
        (["due", "2025-12-31", "0"], "cần một số từ 1 trở lên", "greater than or equal to 1"),
        (["due", "2025-12-31", "5", "--unit", "x"], "không phải là một trong: 'working'", "is not one of 'working'"),
        (["due", "31/11/2025", "5"], "không phải là một ngày có thật", "is not a day that exists"),
        (["due", "2025-12-31", "5", "6"], "Thừa tham số (6)", "unexpected extra argument(s) (6)"),
        (["due", "--bogus"], "Không có tùy chọn --bogus", "No such option: --bogus"),
        (["due", "--artcle", "x"], "(có thể là: --article)", "(Possible options: --article)"),
        (["due", "--article"], "Tùy chọn '--article' cần một giá trị.", "Option '--article' requires an argument."),
        (["ovedue"], "Không có lệnh 'ovedue'. Có thể là 'overdue'", "No such command 'ovedue'. Did you mean 'overdue'"),
        (["xyzzy"], "Không có lệnh 'xyzzy'.", "No such command 'xyzzy'."),
        (["history", "--as-of"], "Tùy chọn '--as-of' cần một giá trị.", "Option '--as-of' requires an argument."),
        (
            ["undo", "X"],
            "Thiếu tùy chọn '--actor' (biến môi trường 'RASOAT_ACTOR').",
            "Missing option '--actor' (env var",
        ),
        (["act", "meet", "--rows", "none"], "không có 'none'.", "path 'none' does not exist."),
    ],
)
def test_wrong_usage_is_told_in_the_language_of_the_command(words: list[str], vi: str, en: str) -> None:
    for locale, said, other in (("vi_VN.UTF-8", vi, "Error: "), ("en_US.UTF-8", en, "Lỗi: ")):
        done = RUNNER.invoke(app, words, prog_name="rasoat", env={"LC_ALL": locale})
        assert done.exit_code == 2
        assert said in done.stderr
        assert other not in done.stderr


def test_no_help_text_is_read_before_it_is_asked_for() -> None:
    """Importing the command line reads no help table and no library that lays out pages."""
    asked = (
        "import sys, rasoat.cli\n"
        "from rasoat.commands._helping import help_tables\n"
        "assert help_tables.cache_info().currsize == 0\n"
        "assert 'rich' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", asked], check=True)
