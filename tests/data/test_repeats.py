"""What is said of several recordings is said once."""

from murid.data.repeats import of_recordings, reasons_once, say_once


def test_the_same_words_name_their_recordings():
    texts = ["budget, recording 'a': 74% base", "recording 'a': odd", "budget, recording 'b': 99% base", "one thing"]
    assert say_once(texts) == [
        "budget, 2 recordings (a, b): 74 to 99% base",
        "recording 'a': odd",
        "one thing",
    ]
    assert say_once(["recording '1': 3 gaps", "recording '2': 4 gaps"]) == [
        "recording '1': 3 gaps",
        "recording '2': 4 gaps",
    ]


def test_files_and_what_was_met_in_them_part_no_reasons():
    reasons = [(k, f"labels /x/{k}.txt: several streams; expected one, got S{k}; -> choose") for k in "123"]
    assert reasons_once([*reasons, ("4", "no poses")]) == [
        (["1", "2", "3"], "labels: several streams; expected one, got S1 (in '1'); -> choose"),
        (["4"], "no poses"),
    ]
    raters = [(k, f"labels /x/{k}_a.csv; /x/{k}_b.csv: several raters, got a, b") for k in "12"]
    assert reasons_once(raters) == [(["1", "2"], "labels: several raters, got a, b")]
    assert reasons_once([("1", "got x; -> a"), ("2", "got x; -> b")]) == [
        (["1"], "got x; -> a"),
        (["2"], "got x; -> b"),
    ]


def test_many_recordings_are_counted():
    assert of_recordings([str(k) for k in range(10)]) == "10 recordings (0, 1, 2, 3, 4, 5, 6, 7 and 2 more)"
