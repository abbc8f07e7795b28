"""The forms of the settings screen."""

from __future__ import annotations

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from agents import realtime_models
from agents.models import Agent, PhoneNumber, TurnSettings
from agents.snapshot import TURN_FIELDS
from voiceplatform import registry


class Suggesting(UnfoldAdminTextInputWidget):
    """A text field that offers the known values and takes others."""

    template_name = "agents/suggesting.html"

    def __init__(self, values: list[str]) -> None:
        super().__init__()
        self.values = values

    def get_context(self, name: str, value: object, attrs: dict[str, object] | None) -> dict[str, object]:
        context = super().get_context(name, value, attrs)
        context["values"] = self.values
        context["list_id"] = f"known-{name}"
        context["widget"]["attrs"]["list"] = context["list_id"]
        return context


class AgentForm(forms.ModelForm):
    class Meta:
        model = Agent
        fields = "__all__"  # noqa: DJ007  the admin names what it shows
        widgets = {
            "model": Suggesting(realtime_models.SPEECH_MODELS),
            "voice": Suggesting(realtime_models.VOICES),
            "transcription_model": Suggesting(realtime_models.TRANSCRIPTION_MODELS),
        }


class TurnSettingsForm(forms.ModelForm):
    class Meta:
        model = TurnSettings
        fields = TURN_FIELDS
        widgets = {
            "backchannel_phrases": UnfoldAdminTextareaWidget({"rows": 4}),
            "interrupt_phrases": UnfoldAdminTextareaWidget({"rows": 4}),
        }


class PhoneNumberForm(forms.ModelForm):
    number = forms.CharField(
        max_length=32,  # as people write them; stored without spaces and dashes
        widget=UnfoldAdminTextInputWidget(),
        help_text=PhoneNumber._meta.get_field("number").help_text,
    )

    class Meta:
        model = PhoneNumber
        fields = "__all__"  # noqa: DJ007  the admin names what it shows

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        carrier = PhoneNumber._meta.get_field("carrier")
        self.fields["carrier"] = forms.ChoiceField(
            choices=registry.choices("CARRIERS"), help_text=carrier.help_text, widget=UnfoldAdminSelectWidget()
        )
