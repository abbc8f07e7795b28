"""The settings screen, in the order in which a call happens."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils.html import format_html
from unfold.admin import ModelAdmin, StackedInline

from agents.forms import AgentForm, PhoneNumberForm, TurnSettingsForm
from agents.models import Agent, PhoneNumber, TurnSettings
from agents.realtime_models import shutdown_warning


class TurnSettingsInline(StackedInline):
    """Everything about taking turns. One for each agent, always."""

    model = TurnSettings
    form = TurnSettingsForm
    can_delete = False
    min_num = max_num = 1
    readonly_fields = ["turn_detection_object"]
    fieldsets = [
        (
            "Hearing the caller",
            {
                "description": "What counts as the caller speaking.",
                "fields": ["vad_type", "threshold", "prefix_padding_ms"],
            },
        ),
        (
            "When the caller has finished",
            {
                "description": "Shorter waits answer sooner; longer ones let people think.",
                "fields": [
                    "silence_floor_ms",
                    "response_latency_ms",
                    "eagerness",
                    "idle_timeout_ms",
                    "create_response",
                ],
            },
        ),
        (
            "When the caller speaks over the agent",
            {
                "description": "What counts as an interruption, and the five steps that follow.",
                "fields": [
                    "mode",
                    "min_speech_ms",
                    "interrupt_response",
                    "cancel_reply",
                    "truncate",
                    "clear_buffers",
                    "suppress_in_flight",
                    "suppress_ms",
                    "mark_silent",
                ],
            },
        ),
        (
            "What the model gets",
            {"description": "The exact turn_detection object of the next call.", "fields": ["turn_detection_object"]},
        ),
    ]

    @admin.display(description="turn_detection")
    def turn_detection_object(self, obj: TurnSettings) -> str:
        shown = json.dumps((obj or TurnSettings()).turn_detection(), indent=2)
        return format_html(
            '<pre class="turn-detection" aria-live="polite">{}</pre><p class="turn-problems" role="alert"></p>', shown
        )


@admin.register(Agent)
class AgentAdmin(ModelAdmin):
    form = AgentForm
    inlines = [TurnSettingsInline]
    list_display = ["name", "active", "model", "voice", "numbers_answered"]
    list_filter = ["active"]
    search_fields = ["name"]
    warn_unsaved_form = True
    fieldsets = [
        (None, {"fields": ["name", "active"]}),
        ("What the caller hears first", {"fields": ["greeting"]}),
        ("What the agent knows and does", {"fields": ["instructions"]}),
        (
            "Speech",
            {
                "fields": [
                    "model",
                    "voice",
                    "speed",
                    "language",
                    "transcription_model",
                    "noise_reduction",
                ]
            },
        ),
    ]

    class Media:
        js = ["agents/turn_detection.js"]
        css = {"all": ["agents/agents.css"]}

    @admin.display(description="answers")
    def numbers_answered(self, agent: Agent) -> str:
        return ", ".join(number.number for number in agent.numbers.all()) or "no number yet"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("numbers")

    def get_urls(self) -> list[Any]:
        preview = path(
            "turn-detection/", self.admin_site.admin_view(self.turn_detection), name="agents_agent_turn_detection"
        )
        return [preview, *super().get_urls()]

    def turn_detection(self, request: HttpRequest) -> JsonResponse:
        """The object that the posted, unsaved settings would give the model, or what is wrong with them."""
        if not (self.has_view_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        form = TurnSettingsForm(request.POST)
        if form.is_valid():
            return JsonResponse({"turn_detection": form.save(commit=False).turn_detection()})
        problems = {
            (form.fields[name].label or name if name in form.fields else ""): list(texts)
            for name, texts in form.errors.items()
        }
        return JsonResponse({"problems": problems}, status=422)

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        for name in (obj.model, obj.transcription_model):
            if warning := shutdown_warning(name):
                messages.warning(request, warning)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        TurnSettings.objects.get_or_create(agent=form.instance)


@admin.register(PhoneNumber)
class PhoneNumberAdmin(ModelAdmin):
    form = PhoneNumberForm
    list_display = ["number", "agent", "carrier", "active"]
    list_filter = ["active", "agent", "carrier"]
    search_fields = ["number"]
    list_select_related = ["agent"]
    readonly_fields = ["webhook"]
    fields = ["number", "carrier", "agent", "active", "webhook"]

    @admin.display(description="Webhook of the carrier")
    def webhook(self, number: PhoneNumber) -> str:
        url = f"{settings.PUBLIC_BASE_URL}/carriers/{number.carrier or 'twilio'}/voice/"
        return format_html(
            "<code>{}</code><p>Paste it at the carrier as what happens when a call comes in (HTTP POST).</p>", url
        )
