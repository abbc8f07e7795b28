"""The forms of the settings screen."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html

from agents import phrases, realtime_models
from agents.models import Agent, TurnSettings
from agents.provider_form import ProvidersForm, declared
from agents.snapshot import TURN_FIELDS
from agents.widgets import Lines, Number, Suggesting, needs, numbers


class TellingForm(forms.ModelForm):
    """Sets each help text as two paragraphs: what is heard, and the facts. The id is that which the input refers to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if not field.help_text:
                continue
            heard, _, facts = str(field.help_text).partition("\n")
            field.help_text = format_html(
                '<span class="vp-help" id="{}_helptext"><span>{}</span>{}<span class="vp-idle"></span></span>',
                str(self.auto_id) % self.add_prefix(name),  # a bound field keeps the text that it found
                heard,
                format_html('<span class="vp-facts">{}</span>', facts) if facts else "",
            )


class AgentForm(TellingForm, ProvidersForm):
    class Meta:
        model = Agent
        fields = "__all__"  # noqa: DJ007  the admin names what it shows
        widgets = {
            "greeting": Lines(2),
            "instructions": Lines(10),
            "model": Suggesting(realtime_models.SPEECH_MODELS),
            "voice": Suggesting(realtime_models.VOICES),
            "speed": Number(0.25, 1.5, ""),
            "language": Suggesting(sorted(phrases.BACKCHANNELS)),
            "transcription_model": Suggesting(realtime_models.TRANSCRIPTION_MODELS),
        }


def agent_form(may_change_keys: bool) -> type[AgentForm]:
    """The agent's form with the fields of every provider that the settings name."""
    return type("AgentForm", (AgentForm,), {"__module__": __name__, **declared(may_change_keys)})


class TurnSettingsForm(TellingForm):
    class Meta:
        model = TurnSettings
        fields = TURN_FIELDS
        widgets = {
            **numbers(TurnSettings),
            "backchannel_phrases": Lines(4),
            "interrupt_phrases": Lines(4),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = self.instance.language
        lists = {
            "backchannel_phrases": phrases.backchannels("", language),
            "interrupt_phrases": phrases.interrupts("", language),
        }
        for name, words in lists.items():
            listed = format_html('<span class="vp-facts">The list of its language: {}.</span>', ", ".join(words))
            self.fields[name].help_text += listed
        for name, field in self.fields.items():
            field.widget.attrs |= needs(name)
