"""Roles: every keypoint vocabulary that the real recordings use."""

from __future__ import annotations

import pytest

from murid.data.errors import DataError
from murid.data.roles import (
    ROLES,
    guess_roles,
    mirrored_roles,
    prefix_advice,
    resolve_roles,
    roles_table,
    stand_ins,
)

DLCANALYZER = [
    "nose",
    "headcentre",
    "neck",
    "earl",
    "earr",
    "bodycentre",
    "bcl",
    "bcr",
    "hipl",
    "hipr",
    "tailbase",
    "tailcentre",
    "tailtip",
]
VOCABULARIES = {
    "rat_social": (
        ["top", "body", "tail", "tail-m", "tail-e"],
        dict(head="top", centre="body", tail_base="tail", tail_mid="tail-m", tail_tip="tail-e"),
    ),
    "calms21": (
        ["nose", "ear_left", "ear_right", "neck", "hip_left", "hip_right", "tail_base"],
        {k: k for k in ["nose", "ear_left", "ear_right", "neck", "hip_left", "hip_right", "tail_base"]},
    ),
    "dlcanalyzer": (
        ["tl", "tr", "bl", "br", "centre", *DLCANALYZER],
        dict(
            nose="nose",
            head="headcentre",
            ear_left="earl",
            ear_right="earr",
            neck="neck",
            centre="bodycentre",
            side_left="bcl",
            side_right="bcr",
            hip_left="hipl",
            hip_right="hipr",
            tail_base="tailbase",
            tail_mid="tailcentre",
            tail_tip="tailtip",
        ),
    ),
    "dlcanalyzer_epm": (
        ["tl", "tr", "bl", "br", "lt", "lb", "rt", "rb", "ctl", "ctr", "cbl", "cbr", *DLCANALYZER],
        dict(
            nose="nose",
            head="headcentre",
            ear_left="earl",
            ear_right="earr",
            neck="neck",
            centre="bodycentre",
            side_left="bcl",
            side_right="bcr",
            hip_left="hipl",
            hip_right="hipr",
            tail_base="tailbase",
            tail_mid="tailcentre",
            tail_tip="tailtip",
        ),
    ),
    "three_chamber": (
        ["nose", "right ear", "left ear", "tail"],
        dict(nose="nose", ear_left="left ear", ear_right="right ear", tail_base="tail"),
    ),
    "bsoid": (
        ["Snout", "Front Paw R", "Front Paw L", "Hind Paw R", "Hind Paw L", "Butt/Proximal Tail"],
        dict(
            nose="Snout",
            tail_base="Butt/Proximal Tail",
            paw_front_left="Front Paw L",
            paw_front_right="Front Paw R",
            paw_hind_left="Hind Paw L",
            paw_hind_right="Hind Paw R",
        ),
    ),
    "behaviordepot_1": (
        ["Nose", "Left Ear", "Right Ear", "Tailbase", "Left Leg", "Right Leg", "Mid-Back", "Tail"],
        dict(
            nose="Nose",
            ear_left="Left Ear",
            ear_right="Right Ear",
            centre="Mid-Back",
            tail_base="Tailbase",
            tail_mid="Tail",
            paw_hind_left="Left Leg",
            paw_hind_right="Right Leg",
        ),
    ),
    "behaviordepot_4": (
        ["Nose", "LeftEar", "RightEar", "Tailbase", "Implant"],
        dict(nose="Nose", ear_left="LeftEar", ear_right="RightEar", tail_base="Tailbase"),
    ),
    "deepof": (
        [
            "Nose",
            "Left_ear",
            "Right_ear",
            "Spine_1",
            "Center",
            "Spine_2",
            "Tail_base",
            "Tail_1",
            "Tail_2",
            "Tail_tip",
            "Left_bhip",
            "Right_bhip",
            "Left_fhip",
            "Right_fhip",
        ],
        dict(
            nose="Nose",
            ear_left="Left_ear",
            ear_right="Right_ear",
            neck="Spine_1",
            centre="Center",
            side_left="Left_fhip",
            side_right="Right_fhip",
            hip_left="Left_bhip",
            hip_right="Right_bhip",
            tail_base="Tail_base",
            tail_mid="Tail_1",
            tail_tip="Tail_tip",
        ),
    ),
    "sleap_social": (
        [
            "Nose",
            "Head",
            "Ear_L",
            "Shoulder_left",
            "Neck",
            "Ear_R",
            "Shoulder_right",
            "Haunch_left",
            "Haunch_right",
            "Tail_1",
            "Tail_0",
            "TTI",
            "Tail_2",
            "TailTip",
            "Trunk",
        ],
        dict(
            nose="Nose",
            head="Head",
            ear_left="Ear_L",
            ear_right="Ear_R",
            neck="Neck",
            centre="Trunk",
            side_left="Shoulder_left",
            side_right="Shoulder_right",
            hip_left="Haunch_left",
            hip_right="Haunch_right",
            tail_base="TTI",
            tail_mid="Tail_1",
            tail_tip="TailTip",
        ),
    ),
    "openfield": (
        ["snout", "leftear", "rightear", "tailbase"],
        dict(nose="snout", ear_left="leftear", ear_right="rightear", tail_base="tailbase"),
    ),
    "mirror_mouse": (
        [
            "paw1LH_top",
            "paw2LF_top",
            "paw3RF_top",
            "paw4RH_top",
            "tailBase_top",
            "tailMid_top",
            "nose_top",
            "obs_top",
            "paw1LH_bot",
            "nose_bot",
            "obsHigh_bot",
        ],
        dict(
            nose="nose_top",
            tail_base="tailBase_top",
            tail_mid="tailMid_top",
            paw_front_left="paw2LF_top",
            paw_front_right="paw3RF_top",
            paw_hind_left="paw1LH_top",
            paw_hind_right="paw4RH_top",
        ),
    ),
    "vame": (
        ["Nose", "Forehand-Left", "Forehand-Right", "Hindhand-Left", "Hindhand-Right", "Tailroot"],
        dict(
            nose="Nose",
            tail_base="Tailroot",
            paw_front_left="Forehand-Left",
            paw_front_right="Forehand-Right",
            paw_hind_left="Hindhand-Left",
            paw_hind_right="Hindhand-Right",
        ),
    ),
    "jabs": (
        [
            "NOSE",
            "LEFT_EAR",
            "RIGHT_EAR",
            "BASE_NECK",
            "LEFT_FRONT_PAW",
            "RIGHT_FRONT_PAW",
            "CENTER_SPINE",
            "LEFT_REAR_PAW",
            "RIGHT_REAR_PAW",
            "BASE_TAIL",
            "MID_TAIL",
            "TIP_TAIL",
        ],
        dict(
            nose="NOSE",
            ear_left="LEFT_EAR",
            ear_right="RIGHT_EAR",
            neck="BASE_NECK",
            centre="CENTER_SPINE",
            tail_base="BASE_TAIL",
            tail_mid="MID_TAIL",
            tail_tip="TIP_TAIL",
            paw_front_left="LEFT_FRONT_PAW",
            paw_front_right="RIGHT_FRONT_PAW",
            paw_hind_left="LEFT_REAR_PAW",
            paw_hind_right="RIGHT_REAR_PAW",
        ),
    ),
    "simba": (
        ["Ear_left", "Ear_right", "Nose", "Center", "Lat_left", "Lat_right", "Tail_base", "Tail_end"],
        dict(
            nose="Nose",
            ear_left="Ear_left",
            ear_right="Ear_right",
            centre="Center",
            side_left="Lat_left",
            side_right="Lat_right",
            tail_base="Tail_base",
            tail_tip="Tail_end",
        ),
    ),
}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_guess_every_vocabulary(name: str) -> None:
    keypoints, expected = VOCABULARIES[name]
    assert guess_roles(keypoints) == expected
    assert set(expected) <= set(ROLES)
    # The order of the keypoints in the file must not matter, numbered tails aside.
    assert {r: k for r, k in guess_roles(keypoints[::-1]).items() if not r.startswith("tail_m")}.keys() == {
        r for r in expected if not r.startswith("tail_m")
    }


@pytest.mark.parametrize("name", VOCABULARIES)
def test_every_vocabulary_has_a_body_axis(name: str) -> None:
    points = stand_ins(guess_roles(VOCABULARIES[name][0]))
    assert {"nose", "front", "rear", "centre"} <= set(points)
    assert points["front"] != points["rear"]


def test_rear_is_an_ear_only_beside_its_twin() -> None:
    assert guess_roles(["lear", "rear"]) == {"ear_left": "lear", "ear_right": "rear"}
    assert "ear_right" not in guess_roles(["nose", "rear"])


def test_table_and_own_roles() -> None:
    table = roles_table(["Nose", "Implant"], {"nose": "Nose", "implant": "Implant"})
    assert table["role"].tolist() == ["nose", "implant"]
    assert roles_table(["Nose", "Implant"])["role"].tolist() == ["nose", ""]


def test_all_faults_at_once() -> None:
    with pytest.raises(DataError) as error:
        resolve_roles(["nose", "tail"], {"nose": "nosse", "tail_base": "tail", "rear": "tail"})
    assert len(error.value.faults) == 2
    assert "did you mean 'nose'" in str(error.value)
    with pytest.raises(DataError, match="no keypoint has a known role"):
        resolve_roles(["a", "b"])


def test_mirrored_twice_is_the_same() -> None:
    roles = guess_roles(VOCABULARIES["dlcanalyzer"][0])
    assert mirrored_roles(roles)["ear_left"] == "earr"
    assert mirrored_roles(mirrored_roles(roles)) == roles


def test_given_roles_join_the_guessed_ones() -> None:
    names = ["nose", "bodycentre", "tailbase", "Implant"]
    guessed = {"nose": "nose", "centre": "bodycentre", "tail_base": "tailbase"}
    assert resolve_roles(names, {"implant": "Implant"}) == {**guessed, "implant": "Implant"}
    assert resolve_roles(names, {"nose": "nose"}) == guessed
    assert resolve_roles(names, {"nose": ""}) == {k: v for k, v in guessed.items() if k != "nose"}
    # A keypoint that is given a role loses the guessed one.
    assert resolve_roles(names, {"head": "nose"}) == {"head": "nose", "centre": "bodycentre", "tail_base": "tailbase"}


def test_one_ear_changes_sides_in_the_mirror() -> None:
    assert mirrored_roles({"nose": "n", "ear_left": "earl"}) == {"nose": "n", "ear_right": "earl"}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_points_of_several_animals_in_one_file_are_recognised_by_their_prefixes(name):
    """Names like B_Nose and W_Nose: "no role 'centre'", and not the option that splits them."""
    names = VOCABULARIES[name][0]
    assert prefix_advice(names) == ""
    two = [f"{animal}_{point}" for animal in "BW" for point in names]
    if not guess_roles(two):
        assert "-o poses.individuals=B,W" in prefix_advice(two)
        with pytest.raises(DataError, match=r"look like those of 2 animals.*individuals=B,W"):
            resolve_roles(two)


@pytest.mark.parametrize("order", [1, -1])
def test_the_centre_of_a_mouse_comes_before_the_middle_of_its_back(order) -> None:
    names = ["nose", "neck", "mid_back", "mouse_center", "mid_backend", "tail_base"][::order]
    assert guess_roles(names)["centre"] == "mouse_center"
