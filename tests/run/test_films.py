"""Films of a study: which bouts, of which model, and what is said when there is nothing to show."""

import re
import shutil
from urllib.parse import unquote

import pytest

from murid import simulate
from murid.data.errors import DataError
from murid.data.study import Study
from murid.run import apply_method, build_report, fit_method, write_films

KMEANS = {"n_motifs": 3, "replicates": 1}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    made = Study.create(folder / "study")
    for k in range(3):
        r = simulate.recording(duration_s=12, fps=10, px_per_cm=4.0, seed=k, id=f"r{k}", animal=f"a{k}")
        made.add(r if k == 2 else r.replace(video=simulate.video(r, folder / f"r{k}.mp4")))
    fit_method(made, "kmeans", KMEANS)
    apply_method(made, "kmeans")
    return made


def test_one_film_a_motif_and_a_table_of_whose_bouts(study):
    run = write_films(study, "kmeans", clips=4, size=32)
    clips = run.tables["clips"]
    films = sorted(p.name for p in (run.folder / "films").iterdir())
    assert films == sorted(clips["film"].unique())
    assert run.summary["films"] == len(films) == 3
    shown = {label: set(part["animal"]) for label, part in clips.groupby("label")}
    assert shown == {
        label: {"a" + r[1] for r, name, _, _ in apply_bouts(study) if name == label and r != "r2"} for label in shown
    }
    assert any("r2" in text for text in run.provenance["warnings"]), "it has no video"
    bouts = apply_bouts(study)
    for row in clips.to_dict("records"):
        assert (row["recording"], row["label"], row["start_s"], row["stop_s"]) in bouts


def test_the_report_links_the_films(study, tmp_path):
    folder = tmp_path / "moved here"
    run = write_films(study, "kmeans", clips=4, size=32)
    page = build_report(study).read_text(encoding="utf-8")
    links = re.findall(r'<a href="([^"#]+\.mp4)">([^<]+)</a>', page)
    assert len(links) == 3
    shutil.copytree(study.folder, folder)
    for link, text in links:
        film = folder / unquote(link)
        assert film.is_file()
        clips = run.tables["clips"].set_index("film").loc[[film.name]]
        assert text == f"{clips['label'].iloc[0].replace('_', ' ')} ({len(clips)} bout{'s' * (len(clips) > 1)})"
    shutil.rmtree(run.folder / "films")
    without = build_report(study, out=tmp_path / "r.html").read_text(encoding="utf-8")
    assert '.mp4">' not in without


def test_behaviours_ids_and_shortest_bout(study):
    label = sorted({name for _, name, _, _ in apply_bouts(study)})[0]
    run = write_films(study, "kmeans", ["r1"], behaviours=[label], least_s=0.3, clips=50, size=32)
    clips = run.tables["clips"]
    wanted = {b for b in apply_bouts(study) if b[0] == "r1" and b[1] == label and b[3] - b[2] >= 0.3 - 1e-9}
    assert {(r["recording"], r["label"], r["start_s"], r["stop_s"]) for r in clips.to_dict("records")} == wanted


def test_motifs_without_a_film_are_named(study):
    lasts = {}
    for _, label, start, stop in apply_bouts(study):
        lasts[label] = max(lasts.get(label, 0), stop - start)
    shortest, *_, longest = sorted(lasts, key=lasts.get)
    run = write_films(study, "kmeans", least_s=(lasts[shortest] + lasts[longest]) / 2, clips=1, size=32)
    shown = set(run.tables["clips"]["label"])
    assert set(run.summary["without_film"]) == set(lasts) - shown >= {shortest}
    assert any("no bout of" in text and shortest in text for text in run.provenance["warnings"])


@pytest.mark.parametrize(
    ("ids", "given", "said"),
    [
        (["r9"], {}, "not applied to 'r9'"),
        (["r2"], {}, "no recording has video and poses"),
        (None, {"behaviours": ["flying"]}, "no bout of 'flying'"),
        (None, {"least_s": 99}, "no bout to show"),
        (None, {"clips": 0, "speed": 0.0}, "clips is too small.*\n*.*speed is too small"),
    ],
)
def test_what_cannot_be_shown_is_said(study, ids, given, said):
    with pytest.raises(DataError, match=f"(?s){said}"):
        write_films(study, "kmeans", ids, **given)


def test_a_model_that_was_fitted_again_must_be_applied_again(study):
    fit_method(study, "kmeans", KMEANS, model="other")
    with pytest.raises(DataError, match="'other' was not applied"):
        write_films(study, "other")
    apply_method(study, "other")
    fit_method(study, "kmeans", {**KMEANS, "n_motifs": 4}, model="other", replace=True)
    with pytest.raises(DataError, match="fitted again since it was applied"):
        write_films(study, "other")


def apply_bouts(study):
    from murid.run import runs_of

    bouts = [r for r in runs_of(study, "apply") if r.summary["model"] == "kmeans"][-1].tables["bouts"]
    return set(bouts[["recording", "label", "start_s", "stop_s"]].itertuples(index=False, name=None))
