"""The whole session object that the next call's model would get from settings that are not saved yet."""

from __future__ import annotations

from django.forms import modelform_factory
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from agents.forms import TurnSettingsForm, agent_form
from agents.models import Agent, TurnSettings
from agents.snapshot import AgentSnapshot
from calls import providers
from voiceplatform import registry
from voiceplatform.access import requires

INLINE = "turn_settings-0"
"""What the admin puts before the names of the turn settings."""


@require_POST
@sensitive_post_parameters()  # the form may hold keys of providers, which are not read here
@requires("agents.view_turnsettings")
def preview(request: HttpRequest, agent_id: int) -> JsonResponse:
    """`{"session": …}`, or 422 while the form holds something wrong; what that is, its own page says."""
    agent = get_object_or_404(Agent, pk=agent_id)
    known = {field.name for field in Agent._meta.concrete_fields if field.editable}
    own = agent_form(may_change_keys=False)
    form = modelform_factory(Agent, form=own, fields=sorted(known & set(request.POST)))(request.POST, instance=agent)
    turn = TurnSettingsForm(request.POST, instance=TurnSettings(agent=agent), prefix=INLINE)
    if not (form.is_valid() and turn.is_valid()):
        return JsonResponse({}, status=422)
    unsaved = form.save(commit=False)
    unsaved.turn_settings = turn.save(commit=False)
    snapshot = AgentSnapshot.of(unsaved)
    session = providers.model_session(snapshot, None if snapshot.hearing else snapshot.turn_detection)
    dialect = registry.load("MODELS", "openai")(session, url="")
    return JsonResponse({"session": dialect.session_object()})
