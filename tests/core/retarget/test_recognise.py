"""Shape-key names of characters from everywhere."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arkit import ARKIT_NAMES
from core.retarget.names import spelling
from core.retarget.recognise import recognise, recognise_meshes
from core.retarget.vocabularies import vocabularies

FBX = Path(os.environ.get("SEMBLANCE_TEST_DATA", "")) / "characters" / "FaceCapHeadGeneric.fbx"


def words(name: str) -> list[str]:
    return re.findall(r"[A-Z]?[a-z]+", name)


def short_side(name: str, separator: str) -> str:
    for side in ("Left", "Right"):
        if name.endswith(side):
            return name.removesuffix(side) + separator + side[0]
    return name


STYLES: dict[str, Callable[[str], str]] = {
    "apple": lambda name: name,
    "pascal": lambda name: name[0].upper() + name[1:],
    "snake": lambda name: "_".join(words(name)).lower(),
    "upper snake": lambda name: "_".join(words(name)).upper(),
    "spaced": lambda name: " ".join(words(name)).title(),
    "lower": str.lower,
    "short side": lambda name: short_side(name, "_"),
    "blender side": lambda name: short_side(name, "."),
    "path and blender side": lambda name: "Face:" + short_side(name, "."),
    "glued side": lambda name: short_side(name, ""),
    "dotted": lambda name: "blendShape1." + name,
    "path": lambda name: "Head|face:" + short_side(name, "_"),
    "copied": lambda name: name + ".001",
    "mesh name": lambda name: "Wolf3D_Head_" + name,
    "mesh name with a side": lambda name: "head_L_" + short_side(name, "_"),
}


@pytest.mark.parametrize("style", STYLES)
def test_arkit_is_recognised_in_every_spelling(style: str) -> None:
    found = recognise(["Basis", *(STYLES[style](name) for name in ARKIT_NAMES)])
    assert (found.vocabulary, found.score, found.unmapped, found.lost) == ("arkit", 1.0, (), ())
    for name in ARKIT_NAMES:
        assert found.table.channels[STYLES[style](name)].weights == {name: 1}


@given(
    st.sampled_from(ARKIT_NAMES),
    st.sampled_from(sorted(set(STYLES) - {"mesh name", "mesh name with a side"})),
)
def test_spellings_of_one_name_are_one(name: str, style: str) -> None:
    assert spelling(STYLES[style](name)) == spelling(name)


def test_no_two_names_of_a_vocabulary_are_spelled_alike() -> None:
    for vocabulary in vocabularies().values():
        spelled = {spelling(target) for target in vocabulary.targets}
        assert len(spelled) == len(vocabulary.targets), vocabulary.name


@pytest.mark.parametrize("name", sorted(vocabularies()))
def test_every_vocabulary_knows_itself(name: str) -> None:
    vocabulary = vocabularies()[name]
    found = recognise(["Basis", "Some_Body_Shape", *vocabulary.targets])
    assert found.vocabulary == name and vocabulary.source
    replaced = {key for key, better in vocabulary.fallbacks.items() if set(better) & set(vocabulary.targets)}
    assert set(found.unmapped) == replaced | {"Some_Body_Shape"}
    for weights in vocabulary.targets.values():
        assert set(weights) <= set(ARKIT_NAMES) and all(weights.values())


def test_both_sides_of_a_vocabulary_are_alike() -> None:
    """A unit of one side drives the key of that side just as its mirror image does the other's."""
    swap = {"Left": "Right", "Right": "Left"}
    for vocabulary in vocabularies().values():
        spelled = {spelling(target): weights for target, weights in vocabulary.targets.items()}
        for (word, side), weights in spelled.items():
            if side != "left" or (word, "right") not in spelled or any("Look" in unit for unit in weights):
                continue
            if set(weights) <= {"jawLeft", "mouthLeft"}:
                continue
            mirrored = {re.sub("Left|Right", lambda m: swap[m[0]], unit): w for unit, w in weights.items()}
            assert spelled[(word, "right")] == mirrored, (vocabulary.name, word)


@pytest.mark.skipif(not FBX.is_file(), reason="SEMBLANCE_TEST_DATA has no characters")
def test_a_real_character() -> None:
    names = re.findall(r"SubDeformer::([\w.]+)\"", FBX.read_text(encoding="latin-1"))
    found = recognise(names)
    assert (found.vocabulary, found.score, found.unmapped) == ("arkit", 1.0, ())
    assert found.table.channels["shapes.browDown_L"].weights == {"browDownLeft": 1}


def test_arkit_wins_over_the_other_names_on_an_avatar() -> None:
    """Perfect Sync and Ready Player Me avatars carry ARKit's shapes beside their own; moods would add up."""
    extras = ["Fcl_MTH_A", "Fcl_EYE_Close", "mouthOpen", "mouthSmile", "viseme_aa", "あ"]
    found = recognise([*extras, *ARKIT_NAMES])
    assert found.vocabulary == "arkit" and found.unmapped == tuple(extras)


def test_a_fallback_is_used_only_where_the_better_key_is_missing() -> None:
    alone = recognise(["あ", "い", "まばたき"])
    assert alone.table.channels["まばたき"].weights == {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}
    both = recognise(["あ", "い", "まばたき", "ウィンク２", "ウィンク２右"])
    assert "まばたき" in both.unmapped and both.table.channels["ウィンク２"].weights == {"eyeBlinkLeft": 1}


def test_an_avatar_that_has_visemes_alone() -> None:
    vowels = recognise(["viseme_sil", "viseme_aa", "viseme_O", "viseme_U"])
    assert vowels.vocabulary == "ready_player_me" and vowels.unmapped == ("viseme_sil",)
    assert vowels.table.channels["viseme_aa"].weights["jawOpen"] == 1
    with_jaw = recognise(["mouthOpen", "mouthSmile", "viseme_aa", "viseme_O"])
    assert with_jaw.unmapped == ("viseme_aa",)  # the jaw would open twice


def test_metahuman_controls_without_their_prefix() -> None:
    targets = list(vocabularies()["metahuman"].targets)
    full, short = recognise(targets), recognise([name.removeprefix("CTRL_expressions_") for name in targets])
    assert short.vocabulary == "metahuman" and short.score == full.score


def test_half_width_letters_of_mmd() -> None:
    found = recognise(["あ", "い", "ウィンク２", "ｳｨﾝｸ２右"])
    assert found.table.channels["ｳｨﾝｸ２右"].weights == {"eyeBlinkRight": 1}


def test_english_names_of_mmd_and_vrm_are_told_apart() -> None:
    vowels = ["A", "I", "U", "E", "O"]
    mmd = recognise([*vowels, "blink", "wink2", "wink2_R", "surprise", "tongue out"])
    assert mmd.vocabulary == "mmd_english" and mmd.unmapped == ("blink",)
    assert mmd.table.channels["wink2_R"].weights == {"eyeBlinkRight": 1}
    vrm = recognise([*vowels, "Blink", "Blink_L", "Blink_R", "Joy", "Angry", "LookUp"])
    assert vrm.vocabulary == "vrm0"


def test_english_and_japanese_names_of_mmd_mean_the_same() -> None:
    english, japanese = (vocabularies()[name].targets for name in ("mmd_english", "mmd"))
    meant = {str(weights) for weights in japanese.values()}
    assert all(str(weights) in meant for weights in english.values())
    tda = recognise(["A", "I", "U", "O", "Wink 2", "Wink 2 Right", "Get angry", "MouseUP", "MouseWD", "Pero"])
    assert (tda.vocabulary, tda.unmapped) == ("mmd_english", ())


def test_a_vroid_export_with_the_meshs_name_before_each_key() -> None:
    names = [f"Face.M_F00_000_00_Fcl_{part}" for part in ("MTH_A", "MTH_I", "EYE_Close_L", "EYE_Close_R")]
    found = recognise(names)
    assert found.vocabulary == "vroid" and set(found.table.channels) == set(names)


def test_names_that_say_nothing() -> None:
    for names in ([], ["Basis"], ["Basis", "Key 1", "Key 2", "smirk"]):
        found = recognise(names)
        assert (found.vocabulary, found.score, dict(found.table.channels)) == ("", 0.0, {})
        assert set(found.unmapped) == set(names) - {"Basis"} and found.lost == ARKIT_NAMES


def test_a_vocabulary_can_be_chosen() -> None:
    found = recognise(["jawOpen", "A", "I", "Blink"], vocabulary="vrm0")
    assert set(found.table.channels) == {"A", "I", "Blink"}


def test_meshes_of_one_character() -> None:
    """A few keys on the teeth follow the vocabulary of the head; brows from elsewhere keep their own."""
    metahuman = [name for name in vocabularies()["metahuman"].targets]
    found = recognise_meshes(
        {
            "head": metahuman,
            "teeth": ["Basis", "CTRL_expressions_jawOpen"],
            "brows": ["Brow_Drop_L", "Brow_Drop_R", "Brow_Raise_Outer_L", "Brow_Raise_Outer_R"],
            "hat": ["Basis"],
        }
    )
    assert {mesh: one.vocabulary for mesh, one in found.items()} == {
        "head": "metahuman", "teeth": "metahuman", "brows": "character_creator", "hat": "",
    }  # fmt: skip
    assert found["teeth"].table.channels["CTRL_expressions_jawOpen"].weights == {"jawOpen": 1}
