"""The review pages: who may see them, what they say, and that they are ready when a reviewer clicks."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from agents.models import Agent, PhoneNumber
from calls import audio, services
from calls.conversation import facts
from calls.models import Call
from tests.calls.test_services import LINES, claim, line, ring

pytestmark = pytest.mark.django_db


MORE = [
    line(20, facts.CALLER_SPEAKING, 420, item_id="u0", over_agent=True),
    line(21, facts.CALLER_WORDS, 3000, item_id="u0", text="mm-hm"),
    line(
        22,
        facts.SETTINGS_CHANGED,
        3100,
        revision=12,
        by="ada",
        changes={"min_speech_ms": [550, 400], "threshold": [0.6, 0.7]},
        ticket="t1",
    ),
    line(23, facts.SETTINGS_APPLIED, 3300, revision=12, ticket="t1", differences=[]),
    line(24, facts.STUCK, 4000, state="preparing", after_ms=8000, repair="ask for the reply again"),
]


@pytest.fixture
def call(db: None) -> Call:
    """A finished call with an interruption and a real recording."""
    agent = Agent.objects.create(name="Front desk", instructions="Help.")
    number = PhoneNumber.objects.create(number="+12025550142", agent=agent)
    made = claim(ring(number))
    path = settings.DATA_DIR / "recordings" / f"{made.pk}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = bytes(range(0, 256, 4)) * 625
    path.write_bytes(audio.mulaw_wav_header(80000) + audio.interleave(tone, audio.silence(5000)))
    recorded = line(
        9,
        "recording",
        5000,
        path=f"recordings/{path.name}",
        duration_ms=5000,
        bytes=80058,
        peaks=[[0.5, 0.9], [0.1, 0.2]],
    )
    services.apply_events(call_id=made.pk, lines=[*LINES[:8], recorded, *LINES[9:12], *MORE])
    made.refresh_from_db()
    return made


@pytest.fixture
def reviewer(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin", password="a-good-password"))
    return client


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
    assert "1400 of 9000 ms" in page  # what did the caller hear
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


# --- in a real browser


@pytest.fixture
def browser_page(browser: Browser, live_server: Any, reviewer: Client) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1366, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": reviewer.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    yield page
    context.close()
    assert faults == []


@pytest.mark.django_db(transaction=True)
def test_the_player_is_ready_and_a_line_of_the_transcript_plays(browser_page: Page, call: Call) -> None:
    page = browser_page
    page.goto(call.get_absolute_url())
    if (Path(settings.BASE_DIR) / "node_modules" / "wavesurfer.js").is_dir():
        expect(page.locator("#waveform[data-ready=true]")).to_be_attached()
    expect(page.locator("del")).to_contain_text("day how")
    page.get_by_role("button", name="Play from 0:00.4").click()
    page.wait_for_function("document.getElementById('sound').currentTime >= 0.4")
    page.locator("#kind").select_option("interruption")
    expect(page.locator("tr[data-kind]:visible")).to_have_count(1)
    page.locator(".vp-look-went button").first.press("Enter")
    page.wait_for_function("document.getElementById('sound').currentTime >= 0.7")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(browser_page: Page, call: Call, scheme: Any) -> None:
    page = browser_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)
    for url in ("/calls/", call.get_absolute_url()):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
