"""The settings screen, in the order in which a call happens."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_post_parameters
from unfold.admin import ModelAdmin, StackedInline
from unfold.dataclasses import UnfoldAction

from agents import contradictions, provider_form, screen, services, tuning
from agents.forms import AgentForm, TurnSettingsForm, agent_form
from agents.models import Agent, PhoneNumber, TurnSettings
from agents.number_admin import PhoneNumberAdmin
from agents.realtime_models import shutdown_warning
from agents.voice_fields import HEARING, SECOND_VOICE, VOICE
from voiceplatform.audited import Audited

APPLY = "_apply_live"
"""The name of the button that saves and goes on to the calls."""


class TurnSettingsInline(StackedInline):
    """Everything about taking turns. One for each agent, always."""

    model = TurnSettings
    form = TurnSettingsForm
    can_delete = False
    hide_title = True
    min_num = max_num = 1
    readonly_fields = ["turn_detection_object"]
    fieldsets = [
        *screen.PARTS,
        (
            "What the model gets",
            {
                "description": "The exact object of the next call, as the form stands now; null when another ear hears the caller.",
                "fields": ["turn_detection_object"],
            },
        ),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Agent | None = None) -> bool:
        """Only together with the agent: one that has its settings would carry an empty form of them, a third of the page."""
        return obj is None and super().has_add_permission(request, obj)

    @admin.display(description="Sent as turn_detection")
    def turn_detection_object(self, obj: TurnSettings) -> str:
        shown = json.dumps((obj or TurnSettings()).sent_as_turn_detection(), indent=2)
        return format_html(
            '<pre class="turn-detection" aria-live="polite">{}</pre><p class="turn-problems" role="alert"></p>', shown
        )


admin.site.register(PhoneNumber, PhoneNumberAdmin)


@admin.register(Agent)
class AgentAdmin(Audited, ModelAdmin):
    form = AgentForm
    inlines = [TurnSettingsInline]
    list_display = ["name", "active", "model", "speaks", "hears", "numbers_answered"]
    list_filter = ["active"]
    search_fields = ["name"]
    change_form_outer_before_template = "agents/tuning.html"
    change_form_outer_after_template = "agents/rail.html"
    change_form_before_template = "agents/without_script.html"
    fieldsets = [
        (None, {"fields": ["name", "active"]}),
        ("What the caller hears first", {"fields": ["greeting"]}),
        ("What the agent knows and does", {"fields": ["instructions"]}),
        (
            "Speech",
            {
                "fields": [
                    "model",
                    "language",
                    "transcription_model",
                    "noise_reduction",
                ]
            },
        ),
    ]

    class Media:
        js = [
            f"agents/{name}.js"
            for name in ("providers", "turn_detection", "sliders", "pending", "heard", "session", "parts")
        ]
        css = {"all": ["agents/agents.css"]}

    @admin.display(description="answers")
    def numbers_answered(self, agent: Agent) -> str:
        return ", ".join(number.number for number in agent.numbers.all()) or "no number yet"

    @admin.display(description="who speaks")
    def speaks(self, agent: Agent) -> str:
        return agent.told(VOICE) if agent.voice_provider else f"the model ({agent.voice})"

    @admin.display(description="when that voice fails")
    def speaks_then(self, agent: Agent) -> str:
        return agent.told(SECOND_VOICE)

    @admin.display(description="who hears the caller")
    def hears(self, agent: Agent) -> str:
        return agent.told(HEARING)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("numbers")

    def get_fieldsets(self, request: HttpRequest, obj: Agent | None = None) -> Any:
        """With what the providers declare; for those who only look, with what is chosen."""
        if not self._may_fill_in(request, obj):
            shown = ["speaks", "voice", "speed", "speaks_then", "hears"]
            return [*self.fieldsets, ("Who speaks, who hears", {"fields": shown})]
        return [*self.fieldsets, *provider_form.fieldsets(request, obj)]

    def get_readonly_fields(self, request: HttpRequest, obj: Agent | None = None) -> Any:
        return [] if self._may_fill_in(request, obj) else ["speaks", "speaks_then", "hears"]

    def get_form(self, request: HttpRequest, obj: Agent | None = None, change: bool = False, **kwargs: Any) -> Any:
        if self._may_fill_in(request, obj):
            kwargs["form"] = agent_form(request.user.has_perm(provider_form.MAY_CHANGE_KEYS))
        return super().get_form(request, obj, change, **kwargs)

    def _may_fill_in(self, request: HttpRequest, obj: Agent | None) -> bool:
        return self.has_change_permission(request, obj) if obj else self.has_add_permission(request)

    def get_urls(self) -> list[Any]:
        preview = path(
            "turn-detection/", self.admin_site.admin_view(self.turn_detection), name="agents_agent_turn_detection"
        )
        return [preview, *tuning.urls(), *super().get_urls()]

    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """A report of an error names none of the keys that were posted."""
        return super().changeform_view(request, *args, **kwargs)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        agent = self.get_object(request, object_id)
        shown = {"tuning": tuning.panel(request, agent)} if agent else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        agent = get_object_or_404(Agent, pk=object_id)
        if not self.has_view_or_change_permission(request, agent):
            raise PermissionDenied
        return tuning.history_page(request, agent)

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """One more button beside Save while calls of this agent are live."""
        agent = self.get_object(request, str(object_id))
        live = tuning.live_calls(agent) if agent and tuning.may_change(request) else 0
        if not live:
            return []
        told = f"Save and apply to {live} live call{'' if live == 1 else 's'}"
        return [UnfoldAction(APPLY, method=lambda request, agent: None, description=told, path="")]

    def response_change(self, request: HttpRequest, obj: Agent) -> HttpResponse:
        if APPLY in request.POST:
            # Applying is a POST of its own, with a page of its own; 307 keeps the method.
            return HttpResponseRedirect(reverse("apply_live_settings", args=[obj.pk]), preserve_request=True)
        return super().response_change(request, obj)

    def turn_detection(self, request: HttpRequest) -> JsonResponse:
        """The object that the posted, unsaved settings would give the model, or what is wrong with them."""
        if not (self.has_view_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        own = {name: request.POST.get(name, "") for name in ("language", "voice_provider", "hearing_provider")}
        agent = Agent(**own)
        form = TurnSettingsForm(request.POST, instance=TurnSettings(agent=agent))
        if form.is_valid():
            return JsonResponse({"turn_detection": form.save(commit=False).sent_as_turn_detection()})
        problems = [
            {"name": name, "label": form.fields[name].label if name in form.fields else "", "texts": list(texts)}
            for name, texts in form.errors.items()
        ]
        return JsonResponse({"problems": problems}, status=422)

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        form.marks = services.mark(request.user, "saved" if change else "made")
        if not change or form.changes_settings:
            vars(obj).update(form.marks)
            super().save_model(request, obj, form, change)
        for name in (obj.model, obj.transcription_model):
            if warning := shutdown_warning(name):
                messages.warning(request, warning)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for row in formset.forms:  # of one act with the agent
            vars(row.instance).update(form.marks)
        super().save_formset(request, form, formset, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.save_keys(request.user)
        if not TurnSettings.objects.filter(agent=form.instance).exists():
            turn = TurnSettings(agent=form.instance)
            vars(turn).update(form.marks)
            turn.save()
        for doubt in contradictions.doubts(TurnSettings.objects.get(agent=form.instance)):
            messages.warning(request, doubt)
