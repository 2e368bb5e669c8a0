"""Object paths: the rules, whose a path is, and the older app's parameter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.jobs.paths import (
    MAX_PATH_BYTES,
    InvalidPath,
    LegacyVideo,
    NotAllowed,
    PathError,
    check_owner,
    check_path,
    results_prefix,
    uploads_prefix,
)

EXERCISES = ("squat", "push_up", "sit_up", "jumping_jack")

segments = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="/\\"), min_size=1, max_size=12
).filter(lambda text: text not in {".", ".."})
pieces = st.sampled_from(["a", "users", "ann", "uploads", "temp/video/user", "/", "..", ".", "\\", "\0", "%2e", " ", "é"])
nasty = st.lists(pieces, max_size=8).map("".join)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/users/ann/uploads/a.mp4",
        "users//a.mp4",
        "users/ann/",
        "../a.mp4",
        "users/ann/uploads/../../bob/uploads/a.mp4",
        "users/./a.mp4",
        "users\\ann",
        "users/ann\0.mp4",
        "users/ann\n.mp4",
        "users/ann\x7f.mp4",
        "users/ann\x85.mp4",
        "users/ann\u2028.mp4",
        "users/\udcff.mp4",
        "a" * (MAX_PATH_BYTES + 1),
        "é" * (MAX_PATH_BYTES // 2 + 1),
    ],
)
def test_a_path_that_breaks_a_rule_is_refused_without_repeating_it(path: str) -> None:
    with pytest.raises(InvalidPath) as caught:
        check_path(path)
    assert not path or path not in str(caught.value)


@pytest.mark.parametrize("path", ["a", "a..b/.c/d...", "%2e%2e/a", "운동/스쿼트.mp4", "a b@c+d/e.mp4", "a" * MAX_PATH_BYTES])
def test_an_unusual_but_harmless_path_passes(path: str) -> None:
    check_path(path)


@given(st.lists(segments, min_size=1, max_size=5))
def test_every_path_of_good_segments_passes(parts: list[str]) -> None:
    check_path("/".join(parts))


@given(segments, segments)
def test_an_owner_may_use_their_own_upload_and_every_reference(owner: str, name: str) -> None:
    own = uploads_prefix(owner) + name
    check_owner(owner, own)
    check_owner(owner, own, reference=own)
    check_owner(owner, own, reference=f"references/{name}")
    check_owner(owner, f"temp/video/user/{owner}/{name}", from_shim=True)


@given(segments, segments, segments)
def test_nobody_may_use_another_users_video(owner: str, other: str, name: str) -> None:
    if owner == other:
        return
    own, foreign = uploads_prefix(owner) + name, uploads_prefix(other) + name
    with pytest.raises(NotAllowed):
        check_owner(owner, foreign)
    with pytest.raises(NotAllowed):
        check_owner(owner, own, reference=foreign)
    with pytest.raises(NotAllowed):
        check_owner(owner, f"temp/video/user/{other}/{name}", from_shim=True)


@given(nasty, nasty, st.booleans())
def test_whatever_passes_lies_in_the_owners_folder(owner: str, rest: str, well_begun: bool) -> None:
    video = f"users/{owner}/uploads/{rest}" if well_begun else rest
    try:
        check_owner(owner, video)
    except PathError:
        return
    assert "/" not in owner
    assert video.split("/")[:3] == ["users", owner, "uploads"]
    assert ".." not in video.split("/")


@pytest.mark.parametrize("owner", ["", "ann/uploads", "..", ".", "ann\0"])
def test_an_owner_is_one_segment(owner: str) -> None:
    with pytest.raises(InvalidPath):
        check_owner(owner, f"users/{owner}/uploads/a.mp4")


@pytest.mark.parametrize(
    ("video", "from_shim"),
    [
        ("temp/video/user/ann/a.mp4", False),
        ("users/ann/uploads/a.mp4", True),
        ("users/ann/results/1/1/annotated.mp4", False),
        ("references/a.mp4", False),
        ("users/ann/uploadsX/a.mp4", False),
    ],
)
def test_each_origin_has_its_own_folder(video: str, from_shim: bool) -> None:
    with pytest.raises(NotAllowed):
        check_owner("ann", video, from_shim=from_shim)


def test_an_account_of_the_older_app_has_no_claim_on_a_users_uploads() -> None:
    with pytest.raises(NotAllowed):
        check_owner("ann", "temp/video/user/ann/a.mp4", reference="users/ann/uploads/a.mp4", from_shim=True)


def test_each_attempt_has_its_own_place() -> None:
    assert results_prefix("ann", "job", 2) == "users/ann/results/job/2/"


def test_the_older_parameter_names_video_results_and_exercise() -> None:
    legacy = LegacyVideo.parse("temp/video/user/user@example.com/exercise_Squat_2305092259")
    start = "user@example.com/exercise_Squat_2305092259_result/exercise_Squat_2305092259"
    assert legacy.video == "temp/video/user/user@example.com/exercise_Squat_2305092259.mp4"
    assert legacy.results == {
        "report": f"{start}.json",
        "worst1": f"{start}_worst1.png",
        "worst2": f"{start}_worst2.png",
        "graph": f"{start}_graph.png",
    }
    assert legacy.exercise(EXERCISES) == "squat"
    assert LegacyVideo.of_video(legacy.video) == legacy


@pytest.mark.parametrize(
    ("name", "exercise"),
    [
        ("exercise_PushUp_1", "push_up"),
        ("exercise_push-up_1", "push_up"),
        ("exercise_SITUP", "sit_up"),
        ("exercise_Zumba_1", None),
        ("exercise__1", None),
        ("exercise", None),
        ("Squat", None),
    ],
)
def test_the_second_part_of_the_name_is_a_hint(name: str, exercise: str | None) -> None:
    assert LegacyVideo("ann", name).exercise(EXERCISES) == exercise


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("", InvalidPath),
        ("temp/video/user/ann", InvalidPath),
        ("temp/video/user/ann/", InvalidPath),
        ("temp/video/user//a", InvalidPath),
        ("temp/video/user/ann/b/c", InvalidPath),
        ("temp/video/user/../a", InvalidPath),
        ("temp/video/user/ann/" + "a" * 510, InvalidPath),
        ("users/ann/uploads/a", NotAllowed),
        ("temp/image/a", NotAllowed),
        ("temp/video/user/users/a", NotAllowed),
        ("temp/video/user/references/a", NotAllowed),
        ("temp/video/user/temp/a", NotAllowed),
    ],
)
def test_another_parameter_is_refused(data: str, error: type[PathError]) -> None:
    with pytest.raises(error):
        LegacyVideo.parse(data)


def test_only_an_mp4_is_an_older_video() -> None:
    with pytest.raises(InvalidPath):
        LegacyVideo.of_video("temp/video/user/ann/a.mov")


@given(st.one_of(nasty, nasty.map(lambda text: f"temp/video/user/{text}")))
def test_whatever_parses_stays_in_the_accounts_folders(data: str) -> None:
    try:
        legacy = LegacyVideo.parse(data)
    except PathError:
        return
    check_owner(legacy.account, legacy.video, from_shim=True)
    for path in legacy.results.values():
        check_path(path)
        assert path.split("/")[:2] == [legacy.account, f"{legacy.name}_result"]
