from __future__ import annotations

from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from tools import pin

RELEASES = {
    "project": ("0.1", ["Alpha_One>=1", 'beta[fast]; extra == "dev"', 'gamma; extra == "docs"']),
    "alpha-one": ("1.5", ['delta; python_version >= "3"', 'epsilon; python_version < "3"']),
    "beta": ("2.0", ["project", 'zeta; extra == "fast"', 'gamma; extra == "slow"']),
    "delta": ("4.1", None),
    "zeta": ("6.0", ["beta"]),
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    def installed(name):
        version, requires = RELEASES[pin.canonicalize_name(name)]
        return SimpleNamespace(version=version, requires=requires)

    monkeypatch.setattr(pin, "distribution", installed)


def test_all_that_the_extra_needs_is_pinned_here_and_nothing_else():
    assert pin.closure(Requirement("project[dev]")) == {
        "alpha-one": "1.5",
        "beta": "2.0",
        "delta": "4.1",
        "zeta": "6.0",
    }


def test_a_list_of_exact_versions_gets_those_installed_here():
    assert pin.repinned("# why\nalpha-one==1.0\nbeta==1.9\n") == "# why\nalpha-one==1.5\nbeta==2.0\n"


def test_without_the_extra_its_needs_stay_out():
    assert pin.closure(Requirement("project")) == {"alpha-one": "1.5", "delta": "4.1"}
