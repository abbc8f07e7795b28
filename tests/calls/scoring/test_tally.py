"""Verdicts as a table, against the targets."""

from __future__ import annotations

from typing import Any

from calls.scoring import table
from calls.scoring.echo import PATHS
from calls.scoring.judge import Rules, Verdict
from calls.scoring.tally import Row, Tally, tally


def verdict(kind: str, **more: Any) -> Verdict:
    made = Verdict("it", kind, "mixed", "it.wav", 0, 0, 0)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def row(made: Tally, group: str, name: str) -> Row:
    return next(row for row in made.rows if (row.group, row.name) == (group, name))


def test_interruptions_are_held_against_both_their_targets() -> None:
    yielded = [verdict("interruption", yielded=True, silent_after_ms=200.0 + i) for i in range(19)]
    made = tally([*yielded, verdict("interruption", yielded=False, ok=False)], Rules())
    share = row(made, "interruptions", "the agent yields")
    assert (share.share.count, share.share.of, share.met) == (19, 20, True)
    length = row(made, "interruptions", "time to silence")
    assert (length.median.value, length.met) == (209, True)
    assert len(made.failures) == 1
    slow = [verdict("interruption", yielded=True, silent_after_ms=800.0)]
    assert [missed.name for missed in tally(slow, Rules()).missed] == ["time to silence"]
    assert "  it: silence after 800 ms. " in list(table.failures(tally(slow, Rules())))


def test_backchannels_and_noises_are_held_against_what_is_heard() -> None:
    of = [verdict("backchannel", stopped=i < 2, gave_up=False, ok=i >= 2) for i in range(20)]
    of += [verdict("noise", stopped=i < 2, gave_up=i < 1, says="cough", ok=i >= 2) for i in range(20)]
    made = tally(of, Rules())
    assert row(made, "backchannels", "stopped the sound").met is True
    assert row(made, "noises", "stopped the sound").met is False  # 10 % is not below 10 %
    assert row(made, "noises", "gave up the reply").share.count == 1


def test_pauses_are_parted_by_the_silence_in_force() -> None:
    of = [verdict("pause", pause_ms=ms, answered=ms > 420) for ms in (310, 410, 430, 490, 500, 900)]
    made = tally(of, Rules(silence_ms=500))
    assert row(made, "pauses", "premature answers, pauses below 500 ms").share.count == 2
    assert row(made, "pauses", "of these within 100 ms of it").share.of == 3
    assert row(made, "pauses", "longer pauses answered").share.count == 2
    assert [missed.group for missed in made.missed] == ["pauses"]


def test_what_was_not_scored_counts_nowhere() -> None:
    made = tally([verdict("noise", scored=False, ok=False, reason="lost"), verdict("noise", stopped=False)], Rules())
    assert row(made, "noises", "stopped the sound").of == 1
    assert (len(made.not_scored), len(made.failures)) == (1, 0)


def test_a_run_without_scenes_of_a_kind_has_no_rows_of_it() -> None:
    assert tally([], Rules()).rows == []


def test_runs_stand_side_by_side_and_what_one_lacks_is_a_dash() -> None:
    first = tally([verdict("pause", pause_ms=400, answered=False)], Rules(silence_ms=500))
    second = tally([verdict("pause", pause_ms=400, answered=True)], Rules(silence_ms=300))
    text = list(table.table([("first", first), ("second", second)]))
    assert text[1] == "Pauses"
    lines = {line.split("  ")[1]: line for line in text[2:] if not line.startswith("    ")}
    assert lines["premature answers, pauses below 500 ms"].endswith("none: met  –")
    assert "–" in lines["premature answers, pauses below 300 ms"]
    assert "100 %" in lines["longer pauses answered"]


def test_a_failure_names_scene_file_time_what_was_expected_and_why() -> None:
    wrong = verdict(
        "noise",
        ok=False,
        stopped=True,
        file_at_ms=1250,
        expected="it goes on",
        happened="it stopped",
        reason="loud",
        says="cough",
    )
    told = "\n".join(table.failures(tally([wrong], Rules())))
    for part in (
        "it  noise “cough”",
        "it.wav at 1.25 s",
        "expected: it goes on; happened: it stopped",
        "because:  loud",
    ):
        assert part in told


def test_echoes_are_told_by_their_paths() -> None:
    of = [verdict("echo", stopped=n == 0, says=f"echo over {path.name}") for n, path in enumerate(PATHS)]
    of += [verdict("speech_over_echo", yielded=True, silent_after_ms=600.0)]
    made = tally(of, Rules())
    assert row(made, "the agent's own echo", "stopped the sound").share.count == 1
    assert row(made, "the agent's own echo", f"of {PATHS[0].name}").share.of == 1
    assert row(made, "the agent's own echo", "time to silence").median.value == 600


def test_what_falls_between_request_and_reply_or_into_its_end_has_rows_of_its_own() -> None:
    of = [verdict("noise_before_a_reply", gave_up=n == 0, delay_ms=500.0 + n) for n in range(4)]
    of += [verdict("speech_before_a_reply", yielded=True, stopped=True, silent_after_ms=700.0)]
    of += [verdict("noise_at_the_end_of_a_reply", stopped=False, answered=n < 2) for n in range(4)]
    of += [verdict("speech_at_the_end_of_a_reply", answered=True)]
    made = tally(of, Rules())
    before, end = "between the request and the reply's first sound", "in the last moments of a reply"
    assert row(made, before, "noises for which the request was withdrawn").share.count == 1
    assert row(made, before, "first sound").median.of == 4
    assert row(made, before, "sentences to which the agent yields").share.count == 1
    assert row(made, end, "noises answered").share.count == 2
    assert row(made, end, "sentences answered").share.of == 1
    assert "backchannels answered" not in {one.name for one in made.rows}
    assert "interruptions" not in {one.group for one in made.rows}
