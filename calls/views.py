"""The review pages: which calls there were, what happened in one, and what can be taken out of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.models import Agent, PhoneNumber
from calls import access, exports, listing, ranges, review
from calls.filters import CallFilter
from calls.models import Backlog, Call
from calls.ordering import Order
from voiceplatform import audit
from voiceplatform.access import requires

HEADINGS = [
    ("when", "When"),
    ("length", "Length"),
    ("delay", "Delay"),
    ("interruptions", "Interruptions"),
    ("false_stops", "False stops"),
]


@require_safe
@requires(access.SEE)
def call_list(request: HttpRequest) -> HttpResponse:
    """The calls, newest first, narrowed by what is asked for."""
    chosen = CallFilter(request.GET, queryset=Call.objects.all())
    order = chosen.order
    asked = {name: request.GET.get(name) for name in ("after", "before")}
    try:
        page, too_slow = listing.page(chosen.rows, order, **asked, guessed=chosen.qs), False
    except listing.TooSlow:
        page, too_slow = listing.Page([], None, None, "0"), True
    found = listing.found(page.calls, chosen.wanted)
    query = _without(request, "after", "before")
    return render(
        request,
        "calls/list.html",
        _context(
            request,
            title="Calls",
            filter=chosen,
            page=page,
            too_slow=too_slow,
            rows=[(call, found.get(call.pk)) for call in page.calls],
            headings={name: _heading(request, order, name, label) for name, label in HEADINGS},
            order=order,
            query=query,
            voices=sorted({*Agent.objects.values_list("voice", flat=True).distinct(), *settings.VOICES}),
            narrowed=bool(chosen.chosen),
            backlog=Backlog.objects.first(),
            first_number=PhoneNumber.objects.filter(active=True, agent__isnull=False).first(),
        ),
    )


def _without(request: HttpRequest, *names: str) -> str:
    """The address's question without these, and without what was left empty."""
    query = request.GET.copy()
    for name in [*names, *(name for name, value in request.GET.items() if not value)]:
        query.pop(name, None)
    return query.urlencode()


def _heading(request: HttpRequest, order: Order, name: str, label: str) -> dict[str, Any]:
    """A column that sorts: the other way round when it does so already, else the largest first."""
    is_in_force = order.name == name
    then = Order(name, not order.falling if is_in_force else True)
    rest = _without(request, "after", "before", "sort")
    return {
        "label": label,
        "link": f"?{rest}{'&' if rest else ''}sort={then}",
        "sorted": ("descending" if order.falling else "ascending") if is_in_force else "",
    }


@require_safe
@requires(access.SEE)
def export_list(request: HttpRequest) -> HttpResponseBase:
    """The narrowed list as CSV. It begins at once and is made while it is fetched."""
    chosen = CallFilter(request.GET, queryset=Call.objects.all())
    if not chosen.is_valid():
        return HttpResponse("A filter is wrong. Go back to the list, where it is named.", status=400)
    if request.method == "GET":
        audit.seen(
            request, audit.Act.EXPORTED, what="list of calls as CSV", narrowed_by=[c["name"] for c in chosen.chosen]
        )
    rows = exports.as_csv(chosen.rows, chosen.order, settings.PUBLIC_BASE_URL)
    response = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = "attachment; filename=calls.csv"
    return response


@require_safe
@requires(access.SEE)
def call_detail(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """One call: what was said and heard, where it was interrupted, and with which settings."""
    call = get_object_or_404(Call.objects.select_related("agent", "number", "recording"), pk=call_id)
    chosen = CallFilter(request.GET, queryset=Call.objects.all())
    before, after = listing.neighbours(chosen.rows, chosen.order, call)
    query = _without(request, "after", "before", "t")
    context = review.of(call, request.user)
    context |= {"query": query, "narrowed": bool(chosen.chosen)}
    context |= {"before": _address(before, query), "after": _address(after, query)}
    return render(request, "calls/detail.html", _context(request, title="Call", **context))


def _address(call_id: UUID | None, query: str) -> str:
    return f"{reverse('calls:detail', args=[call_id])}{'?' if query else ''}{query}" if call_id else ""


@require_safe
@requires(access.SEE, access.HEAR)
def recording(request: HttpRequest, call_id: UUID) -> HttpResponseBase:
    """The recording, to be played, or with ?download to be kept."""
    call = get_object_or_404(Call.objects.select_related("recording"), pk=call_id, recording__isnull=False)
    path = review.recording_path(call.recording)
    if path is None:
        return HttpResponse("The recording is not on this server.", status=404)
    download = exports.file_name(call, "wav") if "download" in request.GET else ""
    if request.method == "GET":
        access.played(request, call, "recording as WAV" if download else "recording")
    return ranges.serve(request, path, "audio/wav", download)


TRANSCRIPTS = {
    "txt": (exports.as_text, "text/plain; charset=utf-8"),
    "json": (exports.as_json, "application/json"),
    "vtt": (exports.as_vtt, "text/vtt; charset=utf-8"),
}


@require_safe
@requires(access.SEE)
def transcript(request: HttpRequest, call_id: UUID, ending: str) -> HttpResponse:
    """What was said: text to read, JSON for programs, WebVTT beside the recording."""
    if ending not in TRANSCRIPTS:
        raise Http404
    call = get_object_or_404(Call.objects.select_related("agent"), pk=call_id)
    write, content_type = TRANSCRIPTS[ending]
    if request.method == "GET":
        access.played(request, call, f"transcript as {ending}")
    text = write(call, list(call.turns.all()))
    return _download(HttpResponse(text, content_type=content_type), exports.file_name(call, ending))


@require_safe
@requires(access.SEE)
def event_log(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """The call's record, one event a line."""
    call = get_object_or_404(Call, pk=call_id)
    if request.method == "GET":
        access.played(request, call, "event log")
    text = "".join(exports.as_lines(call))
    return _download(HttpResponse(text, content_type="application/x-ndjson"), exports.file_name(call, "jsonl"))


def _download(response: HttpResponse, name: str) -> HttpResponse:
    response["Content-Disposition"] = f"attachment; filename={name}"
    return response


def _context(request: HttpRequest, **more: Any) -> dict[str, Any]:
    """What the frame of the admin needs, so that both look like one product."""
    return {**admin.site.each_context(request), "data_dir": settings.DATA_DIR, **more}
