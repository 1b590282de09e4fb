"""The contract of methods: what counts as kept, and what cannot be asked of a method."""

import pytest

from murid.data.errors import DataError
from murid.run.method_contract import check_method


def test_an_error_that_enough_data_raises_too_is_not_the_one_of_too_little(tiny, monkeypatch):
    import run_tiny

    def fails(self, recordings):
        raise DataError("tiny: no")

    monkeypatch.setattr(run_tiny.Tiny, "_fit", fails)
    table = check_method("tiny", seconds=5.0).set_index("promise")["result"]
    assert table["learns, and applies to a recording it has not seen"] == "failed"
    assert "kept" not in table.filter(like="too little data").tolist()


@pytest.mark.slow
def test_rules_keep_what_can_be_asked_of_them():
    """Behaviours of the labels, which rules do not define, were asked of them: 2 of 4 promises were kept."""
    table = check_method("rules", seconds=40.0)
    assert table["result"].value_counts().to_dict() == {"kept": 7, "not checked": 2}
