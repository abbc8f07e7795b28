"""The review pages: who may see them, what they say, and that they are ready when a reviewer clicks."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from agents.models import Agent, PhoneNumber
from calls import earlier, services
from calls.conversation import facts
from calls.models import Backlog, Call, Transcript
from tests.calls.test_services import LINES, claim, line, ring

pytestmark = pytest.mark.django_db


def test_only_staff_may_see_calls(client: Client, call: Call) -> None:
    for url in ("/calls/", call.get_absolute_url(), f"{call.get_absolute_url()}recording.wav"):
        answer = client.get(url)
        assert answer.status_code == 302
        assert "/admin/login/" in answer["Location"]
    client.force_login(User.objects.create_user("guest", password="a-good-password"))
    assert client.get("/calls/").status_code == 403


def test_the_list_shows_calls_and_narrows_them(reviewer: Client, call: Call) -> None:
    page = reviewer.get("/calls/").content.decode()
    assert call.get_absolute_url() in page
    assert call.get_absolute_url() in reviewer.get("/calls/?interrupted=yes").content.decode()
    assert call.get_absolute_url() in reviewer.get("/calls/?went_on=silent").content.decode()
    assert "No call is like that" in reviewer.get("/calls/?interrupted=no").content.decode()
    assert "No call is like that" in reviewer.get("/calls/?until=2001-01-01").content.decode()
    assert (
        call.get_absolute_url()
        in reviewer.get(f"/calls/?agent={call.agent_id}&number={call.number_id}").content.decode()
    )


@pytest.mark.parametrize("query", ["since=yesterday", "agent=999", "interrupted=perhaps", "page=many"])
def test_a_wrong_filter_is_named_and_breaks_nothing(reviewer: Client, call: Call, query: str) -> None:
    answer = reviewer.get(f"/calls/?{query}")
    assert answer.status_code == 200
    if not query.startswith("page"):
        assert 'role="alert"' in answer.content.decode()


def test_the_list_says_which_calls_are_not_summed_up_yet(reviewer: Client, call: Call) -> None:
    assert "earlier version" not in reviewer.get("/calls/").content.decode()
    Backlog.objects.create(before=datetime(2026, 1, 5, 12, 30, tzinfo=UTC))
    assert "Calls before 5 Jan 2026, 12:30 are from an earlier version" in reviewer.get("/calls/").content.decode()


def test_of_calls_that_are_not_summed_up_it_says_what_does_not_find_them(reviewer: Client, call: Call) -> None:
    """What is summed up is missing there: all else is found, as ever."""
    Backlog.objects.create(before=timezone.now() + timedelta(1))
    Call.objects.update(**dict.fromkeys(earlier.COLUMNS, 0) | {"voice": "", "first_words": "", "delay_ms": None})
    Transcript.objects.all().delete()
    said = (
        "a search, and the filters for voice, revision, interruptions and sounds over the agent, do not find them yet."
    )
    assert said in reviewer.get("/calls/").content.decode()
    today = timezone.localdate()
    for found in (
        f"agent={call.agent_id}",
        f"number={call.number_id}",
        "carrier=twilio",
        "caller=1202",
        "status=ended",
    ):
        assert (
            str(call.pk) in reviewer.get(f"/calls/?{found}&since={today - timedelta(1)}&shorter=999").content.decode()
        )
    for missed in ("q=card", "voice=marin", "revision=1", "interrupted=yes", "went_on=any", "went_on=silent"):
        assert str(call.pk) not in reviewer.get(f"/calls/?{missed}").content.decode(), missed


def test_an_empty_list_says_what_to_do_first(reviewer: Client) -> None:
    assert "First make an" in reviewer.get("/calls/").content.decode()
    agent = Agent.objects.create(name="A", instructions="x")
    PhoneNumber.objects.create(number="+12025550142", agent=agent)
    assert "place_call --to +12025550142" in reviewer.get("/calls/").content.decode()


def test_the_list_asks_as_often_for_many_calls_as_for_one(
    reviewer: Client, call: Call, django_assert_max_num_queries: Any
) -> None:
    number = call.number
    assert number is not None
    for n in range(20):
        claim(ring(number, f"CA-{n}"))
    with django_assert_max_num_queries(10):
        reviewer.get("/calls/")


def test_a_call_answers_the_reviewers_three_questions(reviewer: Client, call: Call) -> None:
    page = re.sub(r"\s+", " ", reviewer.get(call.get_absolute_url()).content.decode())
    assert "Stopped: 580 ms of speech, “I lost my card”, above the 550 ms minimum." in page  # why did it stop
    assert "1.4 of 9.0 s" in page  # what did the caller hear
    assert "<del>" in page
    assert "day how</del>" in page
    assert "threshold 0.6" in page  # which setting was in force
    assert "&quot;silence_duration_ms&quot;: 500" in page


def text_of(answer: Any) -> str:
    """What a reviewer reads of a page."""
    page = re.sub(r"<(script|style).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_a_sound_that_it_went_on_over_is_explained_beside_the_stops(reviewer: Client, call: Call) -> None:
    page = text_of(reviewer.get(call.get_absolute_url()))
    assert "Went on: 280 ms of speech, “mm-hm”, below the 550 ms minimum." in page
    assert "length of speech 280 ms < 550 ms" in page
    assert "The agent's sound had stopped for 280 ms, and went on from there" in page
    assert "Afterwards taken out of the conversation" in page
    assert page.index("0:00.7 Sound over the agent") < page.index("0:01.8 Interruption 1")


def test_the_setting_that_decided_is_a_link_to_where_it_is_changed(
    reviewer: Client, client: Client, call: Call
) -> None:
    link = f'href="/admin/agents/agent/{call.agent_id}/change/#id_turn_settings-0-min_speech_ms"'
    page = reviewer.get(call.get_absolute_url()).content.decode()
    assert f"{link}>shortest interruption 550 ms</a>" in page
    assert (
        'id="id_turn_settings-0-min_speech_ms"'
        in reviewer.get(f"/admin/agents/agent/{call.agent_id}/change/").content.decode()
    )
    staff = User.objects.create_user("staff", password="a-good-password", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_call"))
    client.force_login(staff)
    page = client.get(call.get_absolute_url()).content.decode()
    assert "shortest interruption 550 ms" in page
    assert f"/admin/agents/agent/{call.agent_id}/" not in page


def test_the_revisions_of_the_settings_are_listed_with_who_changed_what(reviewer: Client, call: Call) -> None:
    page = text_of(reviewer.get(call.get_absolute_url()))
    assert "Revision 12 , sent by ada" in page
    assert "shortest interruption 550 ms → 400 ms" in page
    assert "in force from 0:03.3 on" in page
    assert "as the call began" in page


def test_changes_and_repairs_are_sentences_everywhere(reviewer: Client, call: Call) -> None:
    page = text_of(reviewer.get(call.get_absolute_url()))
    sent = "ada sent settings revision 12 to the call: shortest interruption 550 ms → 400 ms; threshold 0.6 → 0.7"
    assert page.count(sent) == 2  # in the order of time, and beside the raw data
    repaired = "Stuck for 8 s while an answer was waited for; repaired: the answer was asked for again"
    assert page.count(repaired) == 3  # above all else, too


def test_a_stop_is_shown_with_the_settings_that_were_in_force_then(reviewer: Client, call: Call) -> None:
    late = {**LINES[4]["data"], "number": 3}
    services.apply_events(call_id=call.pk, lines=[line(30, facts.INTERRUPTION, 4500, **late)])
    page = text_of(reviewer.get(call.get_absolute_url()))
    assert "threshold 0.6, full mode" in page
    assert "threshold 0.7, full mode, revision 12" in page


def test_damaged_records_never_cost_the_page(reviewer: Client, call: Call) -> None:
    wrong: list[dict[str, Any]] = [
        {},
        {"item_id": ["a"], "speech_item_id": {}, "number": "x", "reasons": 5, "changes": [1], "ticket": []},
        {
            "number": 10**12,
            "because": {},
            "reasons": [None, {"evidence": 3, "value": "x"}],
            "changes": {"a": 1, "b": [1]},
        },
    ]
    kinds = [kind for name, kind in vars(facts).items() if name.isupper()]
    lines = [line(40 + n, kind, 10, **data) for n, (kind, data) in enumerate(product(kinds, wrong))]
    services.apply_events(call_id=call.pk, lines=lines)
    assert "Went on: speech." in text_of(reviewer.get(call.get_absolute_url()))


def test_words_of_a_caller_are_text_and_never_markup(reviewer: Client, call: Call) -> None:
    services.apply_events(
        call_id=call.pk, lines=[line(11, "caller_words", 0, item_id="u1", text="<script>alert(1)</script>")]
    )
    assert "<script>alert" not in reviewer.get(call.get_absolute_url()).content.decode()


def body(answer: Any) -> bytes:
    """What is streamed, fetched as the product's server does."""

    async def fetched() -> bytes:
        return b"".join([piece async for piece in answer.streaming_content])

    return async_to_sync(fetched)()


def test_a_recording_is_given_whole_and_in_ranges(reviewer: Client, call: Call) -> None:
    url = f"{call.get_absolute_url()}recording.wav"
    whole = reviewer.get(url)
    data = body(whole)
    assert (whole.status_code, whole["Content-Type"], len(data)) == (200, "audio/wav", 80058)
    part = reviewer.get(url, headers={"range": "bytes=100-199"})
    assert (part.status_code, part["Content-Range"], body(part)) == (206, "bytes 100-199/80058", data[100:200])
    tail = reviewer.get(url, headers={"range": "bytes=-10"})
    assert body(tail) == data[-10:]
    assert reviewer.get(url, headers={"range": "bytes=90000-"}).status_code == 416
    assert reviewer.head(url).status_code == 200


def test_exports_have_names_and_types(reviewer: Client, call: Call) -> None:
    for name, kind in (
        ("transcript.txt", "text/plain"),
        ("transcript.json", "application/json"),
        ("transcript.vtt", "text/vtt"),
        ("events.jsonl", "application/x-ndjson"),
    ):
        answer = reviewer.get(f"{call.get_absolute_url()}{name}")
        assert answer["Content-Type"].startswith(kind)
        assert answer["Content-Disposition"].startswith("attachment; filename=call-")
    assert reviewer.get(f"{call.get_absolute_url()}transcript.doc").status_code == 404
    kept = reviewer.get(f"{call.get_absolute_url()}recording.wav?download")
    assert kept["Content-Disposition"].startswith("attachment")


def test_the_list_is_exported_as_it_is_narrowed(reviewer: Client, call: Call) -> None:
    answer = reviewer.get("/calls/calls.csv?interrupted=yes&sort=-length")
    assert str(call.pk) in body(answer).decode()
    assert str(call.pk) not in body(reviewer.get("/calls/calls.csv?interrupted=no")).decode()
    assert reviewer.get("/calls/calls.csv?interrupted=perhaps").status_code == 400


def test_what_was_found_is_shown_and_leads_to_its_moment(reviewer: Client, call: Call) -> None:
    page = reviewer.get("/calls/?q=lost+card&sort=-length").content.decode()
    assert "<mark>lost</mark>" in page
    assert f"{call.get_absolute_url()}?q=lost+card&amp;sort=-length&amp;t=0.1" in page
    assert "No call is like that" in reviewer.get("/calls/?q=found").content.decode()


def test_the_next_call_is_the_next_of_what_was_found(reviewer: Client, call: Call) -> None:
    assert call.number is not None
    other, quiet = claim(ring(call.number, "CA-other")), claim(ring(call.number, "CA-quiet"))
    Call.objects.filter(pk=other.pk).update(interruption_count=1)
    page = reviewer.get(f"{other.get_absolute_url()}?interrupted=yes").content.decode()
    assert f'rel="next" href="{call.get_absolute_url()}?interrupted=yes"' in page
    assert str(quiet.pk) not in page
    assert 'rel="prev"' not in page


def test_a_revision_leads_to_its_line_of_the_history(reviewer: Client, call: Call) -> None:
    page = reviewer.get(call.get_absolute_url()).content.decode()
    history = f"/admin/agents/agent/{call.agent_id}/history/"
    assert f'href="{history}?revision=12#revision-12"' in page


def test_the_delay_of_an_answer_is_told_in_parts(reviewer: Client, call: Call) -> None:
    services.apply_events(
        call_id=call.pk,
        lines=[
            line(60, facts.CALLER_STOPPED, 1400, item_id="u1"),
            line(61, facts.REPLY_ASKED, 1400, request_id="ask"),
            line(62, facts.REPLY_CREATED, 1450, request_id="ask", reply_id="r7"),
            line(63, facts.REPLY_STARTED, 1900, reply_id="r7", delay_ms=500),
        ],
    )
    page = text_of(reviewer.get(call.get_absolute_url()))
    assert "1000 ms silence 500 · patience 0 · model 50 · first sound 450 ms" in page


def test_hearing_needs_its_own_permission(client: Client, call: Call) -> None:
    user = User.objects.create_user("staff", password="a-good-password", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_call"))
    client.force_login(user)
    assert client.get(f"{call.get_absolute_url()}recording.wav").status_code == 403
    assert "but not hear it" in client.get(call.get_absolute_url()).content.decode()
    user.user_permissions.add(Permission.objects.get(codename="hear_recording"))
    assert client.get(f"{call.get_absolute_url()}recording.wav").status_code == 200


def test_a_recording_outside_of_our_data_is_not_given(reviewer: Client, call: Call) -> None:
    call.recording.path = "../../../../etc/passwd"
    call.recording.save()
    assert reviewer.get(f"{call.get_absolute_url()}recording.wav").status_code == 404
    assert "is not on this server" in reviewer.get(call.get_absolute_url()).content.decode()
