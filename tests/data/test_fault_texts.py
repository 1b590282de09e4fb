"""Texts of faults: no placeholder for what is not known, and no fault forty times over."""

from murid.data.errors import Fault, Faults


def test_only_what_is_known_is_written():
    assert str(Fault("no column", got="a, b")) == "no column; got a, b"
    assert str(Fault("no column", "line 1", "x", "y", "add it")) == "line 1: no column; expected x, got y; -> add it"
    assert str(Fault("no column")) == "no column"


def test_a_fault_in_many_places_is_written_once_with_the_places():
    faults = Faults("budget")
    for k in range(12):
        faults.add("several raters", where=f"m{k}", todo="choose one")
    faults.add("no labels", where="m99")
    text = faults.message()
    assert text.splitlines()[0] == "budget: 13 faults"
    assert len(text.splitlines()) == 3
    assert "12 places (m0, m1, m2, m3, m4, m5, m6, m7 and 4 more): several raters; -> choose one" in text
    assert len(faults.items) == 13
    few = Faults("budget")
    few.add("several raters", where="m0")
    few.add("several raters", where="m1")
    assert len(few.message().splitlines()) == 3
