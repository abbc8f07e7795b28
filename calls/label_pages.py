"""Acts of a reviewer on the labels of a call. Each answers with the list as it is then, or leads back to the page."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from calls import access, derivation, review, services
from calls.models import Call, Label
from voiceplatform.access import requires


class LabelForm(forms.Form):
    """`target` is what it is about: “interruption:2”, “refusal:31”, “turn:item_x”, or empty for the moment."""

    kind = forms.ChoiceField(choices=Label.Kind.choices)
    text = forms.CharField(required=False, max_length=1000)
    at_ms = forms.IntegerField(min_value=0, max_value=derivation.LARGEST)
    target = forms.RegexField(r"^(interruption|refusal|turn):.{1,64}$", required=False)


@require_POST
@requires(access.SEE, access.LABEL)
def add(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Say of a moment what should have been otherwise."""
    call = get_object_or_404(Call, pk=call_id)
    form = LabelForm(request.POST)
    if not form.is_valid():
        return _answer(request, call, " ".join(str(error) for errors in form.errors.values() for error in errors))
    given = form.cleaned_data
    about, _, ref = given["target"].partition(":")
    try:
        services.label(
            call=call,
            by=request.user,
            kind=given["kind"],
            text=given["text"],
            at_ms=given["at_ms"],
            about=about or Label.About.MOMENT,
            ref=ref,
        )
    except ValidationError as error:
        return _answer(request, call, " ".join(error.messages))
    return _answer(request, call)


@require_POST
@requires(access.SEE, access.LABEL)
def remove(request: HttpRequest, call_id: UUID, label_id: int) -> HttpResponse:
    """Take one's own label back."""
    label = get_object_or_404(Label.objects.select_related("call"), pk=label_id, call=call_id)
    try:
        services.remove_label(label=label, by=request.user)
    except PermissionDenied as error:
        return _answer(request, label.call, str(error), status=403)
    return _answer(request, label.call)


def _answer(request: HttpRequest, call: Call, wrong: str = "", status: int = 400) -> HttpResponse:
    """The list alone, for the page that asks from a script."""
    if request.headers.get("X-Requested-With") != "fetch" and not wrong:
        return redirect(f"{call.get_absolute_url()}#labels")
    context = {"call": call, "labels": review.labels_of(call, request.user), "may_label": True, "wrong": wrong}
    return render(request, "calls/labels.html", context, status=status if wrong else 200)
