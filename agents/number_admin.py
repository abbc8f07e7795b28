"""A number's page: who answers and when, what is heard otherwise, and whether the carrier's side is as it must be."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from agents import hours, languages
from agents.models import PhoneNumber
from agents.widgets import Lines, Suggesting
from voiceplatform import registry
from voiceplatform.audited import Audited

UNREACHABLE = (
    "Real calls do not come this way yet:",
    "a carrier sends them to an https address only. PUBLIC_BASE_URL of the server says which one it is.",
)
"""Of the webhook of a server on this machine, or behind a proxy that it was not told of."""

DAYS = [f"hours_{day}" for day in range(7)]


class HoursField(forms.CharField):
    """A day's opening hours as text; cleaned to spans."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=120, widget=UnfoldAdminTextInputWidget(), **kwargs)

    def clean(self, value: Any) -> str:
        """As we would write it, so that the form shows how it was understood."""
        try:
            return hours.written(hours.parse(super().clean(value)))
        except hours.Unreadable as fault:
            raise forms.ValidationError(str(fault)) from None


class PhoneNumberForm(forms.ModelForm):
    number = forms.CharField(
        max_length=32,  # as people write them; stored without spaces and dashes
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "tel", "autocomplete": "off"}),
        help_text=PhoneNumber._meta.get_field("number").help_text,
    )
    hours_0 = HoursField(
        label="Monday",
        help_text="Such as 08:00-12:00, 13:00-18:00. Empty: closed. 22:00-06:00 goes on until the next morning.",
    )
    hours_1 = HoursField(label="Tuesday")
    hours_2 = HoursField(label="Wednesday")
    hours_3 = HoursField(label="Thursday")
    hours_4 = HoursField(label="Friday")
    hours_5 = HoursField(label="Saturday")
    hours_6 = HoursField(label="Sunday")

    class Meta:
        model = PhoneNumber
        exclude = ["hours"]  # noqa: DJ006  the admin names what it shows
        widgets = {
            "time_zone": Suggesting(sorted(zoneinfo.available_timezones())),
            "otherwise": Lines(2),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        meta = PhoneNumber._meta
        self.fields["carrier"] = forms.ChoiceField(
            choices=registry.choices("CARRIERS"),
            help_text=meta.get_field("carrier").help_text,
            initial=meta.get_field("carrier").default,
            widget=UnfoldAdminSelectWidget(),
        )
        self.fields["language"] = forms.ChoiceField(
            choices=[("", "the agent's, else English"), *languages.SPOKEN.items()],
            required=False,
            help_text=meta.get_field("language").help_text,
            widget=UnfoldAdminSelectWidget(),
        )
        for day, name in enumerate(DAYS):
            self.initial.setdefault(name, hours.written(self.instance.hours.get(str(day), ())))

    def _post_clean(self) -> None:
        """The hours belong to the row before it is validated."""
        filled = {str(day): hours.parse(self.cleaned_data.get(name) or "") for day, name in enumerate(DAYS)}
        self.instance.hours = {day: [list(span) for span in spans] for day, spans in filled.items() if spans}
        super()._post_clean()
        if any(name in self._errors for name in DAYS):  # that there are none at all follows from it
            self._errors.pop("around_the_clock", None)


class PhoneNumberAdmin(Audited, ModelAdmin):
    form = PhoneNumberForm
    list_display = ["number", "agent", "carrier_name", "answers_now", "signed"]
    list_filter = ["active", "agent", "carrier"]
    search_fields = ["number"]
    list_select_related = ["agent", "signature_check"]
    readonly_fields = ["now", "webhook", "signed"]
    warn_unsaved_form = True
    fieldsets = [
        (None, {"fields": ["number", "carrier", "agent", "active"]}),
        (
            "When it is answered",
            {"fields": ["now", "around_the_clock", "time_zone", *DAYS]},
        ),
        (
            "When nobody answers",
            {
                "description": "Callers who are not put through hear this, and the call ends. It costs no model and no agent.",
                "fields": ["language", "otherwise"],
            },
        ),
        ("At the carrier", {"fields": ["webhook", "signed"]}),
    ]

    class Media:
        css = {"all": ["agents/agents.css"]}
        js = ["agents/number.js"]

    @admin.display(description="carrier", ordering="carrier")
    def carrier_name(self, number: PhoneNumber) -> str:
        return str(dict(registry.choices("CARRIERS")).get(number.carrier, number.carrier))

    @admin.display(description="answers now")
    def answers_now(self, number: PhoneNumber) -> str:
        return number.why_not(timezone.now()) or "yes"

    @admin.display(description="Right now")
    def now(self, number: PhoneNumber) -> str:
        """Whether a call would be put through at this moment, as saved."""
        if number.pk is None:
            return "Not saved yet."
        at = timezone.now()
        local, why_not = at.astimezone(number.zone), number.why_not(at)
        told = (
            f"Callers hear the sentence below: {why_not}." if why_not else f"Calls are put through to {number.agent}."
        )
        change = None if number.around_the_clock else hours.next_change(number.hours, local)
        if change:
            day, minute = hours.WEEKDAYS[change[0]], hours.clock(change[1])
            told += f" {'Closes' if number.is_open(at) else 'Opens'} on {day} at {minute}."
        return f"{told} Its clock says {local:%A, %H:%M}."

    @admin.display(description="Webhook")
    def webhook(self, number: PhoneNumber) -> str:
        url = number.webhook_url or (PhoneNumber().webhook_url if number.pk is None else "")
        if not url:
            return "This carrier needs no address."
        return format_html(
            '<span class="nb-copy"><code class="webhook" id="webhook-url">{}</code>'
            '<button type="button" class="nb-button" data-copies="webhook-url">Copy</button>'
            '<span role="status" class="nb-said"></span></span>'
            "<p>Paste it at the carrier as what happens when a call comes in (HTTP POST){}.</p>{}",
            url,
            self._or_from_here(number),
            "" if url.startswith("https://") else format_html("<p><strong>{}</strong> {}</p>", *UNREACHABLE),
        )

    def _or_from_here(self, number: PhoneNumber) -> str:
        """The other way: a page that does it through the carrier's API."""
        try:
            where = reverse("configure_number", args=[number.pk])
        except NoReverseMatch:  # not saved yet
            return ""
        return format_html(', or <a class="nb-link" href="{}">have it configured at the carrier</a>', where)

    @admin.display(description="Last call signed")
    def signed(self, number: PhoneNumber) -> str:
        """What became of the carrier's last requests for this number."""
        check = getattr(number, "signature_check", None) if number.pk else None
        if check is None:
            return "no call yet"
        ok, wrong = (
            f"{timezone.localtime(at):%d %b, %H:%M:%S}" if at else "" for at in (check.accepted_at, check.refused_at)
        )
        if check.outcome == "accepted":
            more = f"; before that, one at {wrong} was refused ({check.why})" if wrong else ""
            return f"correctly, at {ok}{more}"
        told = (
            f"refused at {wrong}: {check.why}. Check TWILIO_AUTH_TOKEN, and that the carrier calls exactly this address"
        )
        return f"{told}. Correctly signed last at {ok}" if ok else told

    @admin.display(description="Hours")
    def week(self, number: PhoneNumber) -> str:
        """For those who may not change them."""
        days = ((name, hours.written(number.hours.get(str(day), ()))) for day, name in enumerate(hours.WEEKDAYS))
        return format_html_join(
            "", "<span class='block'>{}: {}</span>", ((name, told or "closed") for name, told in days)
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        shown = [name for name in self.fieldsets[1][1]["fields"] if name not in DAYS]
        return [self.fieldsets[0], (self.fieldsets[1][0], {"fields": [*shown, "week"]}), *self.fieldsets[2:]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The days are fields of the form alone; they must not be looked for in the model."""
        if obj is None or self.has_change_permission(request, obj):
            named = [name for _, part in self.fieldsets for name in part["fields"]]
            kwargs["fields"] = [name for name in named if name not in (*DAYS, *self.readonly_fields)]
        return super().get_form(request, obj, change, **kwargs)
