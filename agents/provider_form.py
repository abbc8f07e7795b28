"""The part of the agent's form that is made from what providers declare: options by role and provider, keys, and trying a voice.

Every provider has its fields on the page, and the chosen ones are seen. So a choice needs no reload, and what was set for another
provider is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from agents import keys
from agents.keys import Secret
from agents.models import Agent, ProviderKey
from agents.voice_fields import HEARING, ROLES, SECOND_VOICE, VOICE, Role
from agents.widgets import Number, TryVoice
from voiceplatform import registry

ITSELF = {
    VOICE: "The speech model itself",
    SECOND_VOICE: "The speech model's own voice",
    HEARING: "The speech model itself",
}
HEADINGS = {VOICE: "{} speaks", SECOND_VOICE: "{} speaks when the first voice fails", HEARING: "{} hears the caller"}

MAY_CHANGE_KEYS = "agents.change_providerkey"
LONGEST_SENTENCE = 200


def option_field(role: Role, slug: str, option: str) -> str:
    """The name of an option's field in the form."""
    return f"{role.name}__{slug}__{option}"


def key_field(slug: str) -> str:
    return f"key_{slug}"


def forget_field(slug: str) -> str:
    return f"forget_key_{slug}"


def try_field(role: Role, slug: str) -> str:
    return f"try__{role.name}__{slug}"


def each() -> Iterator[tuple[Role, str, str]]:
    """(role, slug, label) of every provider in every role that it can play."""
    return ((role, slug, label) for role in ROLES for slug, label in registry.choices(role.kind))


# --- fields


class KeyField(forms.CharField):
    """Write-only: it shows nothing, and what was typed cannot be printed by accident."""

    def __init__(self, label: str) -> None:
        widget = UnfoldAdminPasswordWidget({"autocomplete": "new-password", "spellcheck": "false"})
        super().__init__(label=label, required=False, max_length=400, widget=widget)

    def clean(self, value: Any) -> Secret | None:
        text = super().clean(value)
        return Secret(text) if text else None


class TryField(forms.CharField):
    """A sentence to be spoken and nothing to be saved."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


def declared(may_change_keys: bool) -> dict[str, forms.Field]:
    """Name -> field, for all that providers declare."""
    fields: dict[str, forms.Field] = {}
    for role in ROLES:
        help_text = Agent._meta.get_field(role.provider).help_text
        label = str(Agent._meta.get_field(role.provider).verbose_name).capitalize()
        choices = [("", ITSELF[role]), *registry.choices(role.kind)]
        fields[role.provider] = forms.ChoiceField(
            label=label, choices=choices, required=False, help_text=help_text, widget=UnfoldAdminSelectWidget()
        )
    for role, slug, label in each():
        for name, (default, about) in registry.options(role.kind, slug).items():
            fields[option_field(role, slug, name)] = _option(default, about)
        if role is not HEARING:
            fields[try_field(role, slug)] = TryField(
                label="Try it",
                required=False,
                max_length=LONGEST_SENTENCE,
                help_text="A sentence of yours; empty: the greeting. It is spoken with what stands here, saved or not.",
                widget=TryVoice(role.name, slug, label),
            )
    if may_change_keys:
        for slug, label in registry.keyed():
            fields[key_field(slug)] = KeyField(f"Key for {label}")
            fields[forget_field(slug)] = forms.BooleanField(
                label=f"Take the key for {label} away", required=False, widget=UnfoldBooleanSwitchWidget()
            )
    return fields


def _option(default: Any, about: Any) -> forms.Field:
    """A field of the kind of an option's default. Empty means the default, so none is required by the form itself."""
    common = {"label": about.label, "required": False, "help_text": f"{about.help}\n{_facts(default, about)}"}
    if isinstance(default, bool):
        return forms.BooleanField(widget=UnfoldBooleanSwitchWidget(), **common)
    if isinstance(default, int | float):
        kind = forms.IntegerField if isinstance(default, int) else forms.FloatField
        return kind(widget=_number(default, about), **common)
    if about.choices:
        return forms.ChoiceField(choices=about.choices, widget=UnfoldAdminSelectWidget(), **common)
    return forms.CharField(widget=UnfoldAdminTextInputWidget(), **common)


def _number(default: float, about: Any) -> Any:
    """With its range there is a slider beside it. A step is a hundredth of the range at most."""
    if about.least is None or about.most is None:
        return UnfoldAdminIntegerFieldWidget({"step": "1" if isinstance(default, int) else "any"})
    span = about.most - about.least
    step = (10 if span > 100 else 1) if isinstance(default, int) else (0.05 if span <= 10 else 0.5)
    return Number(about.least, about.most, "", default, step)


def _facts(default: Any, about: Any) -> str:
    """The range and the default, as the other help texts tell them."""
    if isinstance(default, bool):
        return f"Default {'on' if default else 'off'}."
    if isinstance(default, int | float):
        told = f"Default {default:g}."
        return told if about.least is None or about.most is None else f"{about.least:g} to {about.most:g}. {told}"
    if about.required and not default:
        return "Needed."
    shown = dict(about.choices).get(default, default)
    return f"Default {shown}." if shown else ""


# --- the form


class ProvidersForm(forms.ModelForm):
    """Reads the options from the agent's JSON and writes them back. The fields themselves come from `declared`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._before = self._values()
        for role, slug, _ in each():
            kept = self.instance.options_of(role, slug)
            for name, (default, _about) in registry.options(role.kind, slug).items():
                self.initial.setdefault(option_field(role, slug, name), kept.get(name, default))
            if try_field(role, slug) in self.fields:
                self.fields[try_field(role, slug)].widget.agent_id = self.instance.pk
        for role in ROLES:
            self._offer_what_is_gone(role)
        self._tell_of_keys()

    def _offer_what_is_gone(self, role: Role) -> None:
        """A provider that the settings name no more stays chosen until somebody chooses another; nothing changes unseen."""
        slug, field = getattr(self.instance, role.provider), self.fields.get(role.provider)
        if slug and isinstance(field, forms.ChoiceField) and not registry.knows(role.kind, slug):
            field.choices = [*field.choices, (slug, f"{slug} (not installed)")]

    def _tell_of_keys(self) -> None:
        own = {
            row.provider: row for row in ProviderKey.objects.filter(agent=self.instance.pk).select_related("updated_by")
        }
        for slug, _ in registry.keyed():
            if key_field(slug) not in self.fields:
                continue
            row = own.get(slug)
            self.fields[key_field(slug)].help_text = key_state(slug, row)
            if row is None:
                self.fields[forget_field(slug)].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for role in ROLES:
            if role.provider in cleaned:
                unused = role is SECOND_VOICE and not cleaned.get(VOICE.provider)
                chosen = "" if unused else cleaned[role.provider]
                setattr(self.instance, role.options, self._options(role, chosen))
        return cleaned

    def _options(self, role: Role, chosen: str) -> dict[str, Any]:
        """What to keep for each provider. Only the chosen one can be wrong; of the others, what cannot be read stays as it was."""
        kept = {**getattr(self.instance, role.options)}
        for slug in (slug for each_role, slug, _ in each() if each_role is role):
            names = registry.options(role.kind, slug)
            fields = {name: option_field(role, slug, name) for name in names}
            if slug != chosen and not any(field in self.data for field in fields.values()):
                continue
            before = self.instance.options_of(role, slug)
            values = read_options(role, slug, self.cleaned_data, before, self.data)
            if slug == chosen:
                for name, problem in registry.problems(role.kind, slug, values).items():
                    if fields[name] not in self.errors:
                        self.add_error(fields[name], problem)
            else:
                for name, field in fields.items():
                    if self._errors.pop(field, None) is not None:
                        values.pop(name, None)
                        values |= {name: before[name]} if name in before else {}
            if values or slug in kept:
                kept[slug] = values
        return kept

    def _update_errors(self, errors: Any) -> None:
        """What the model says of options was said beside each option already."""
        for role in ROLES:
            getattr(errors, "error_dict", {}).pop(role.options, None)
        if getattr(errors, "error_dict", True):
            super()._update_errors(errors)

    @property
    def changes_settings(self) -> bool:
        """Whether the agent itself is another than before. A key is none of its settings, and leaves no line in its history."""
        return self._values() != self._before

    def _values(self) -> dict[str, Any]:
        return {field.attname: getattr(self.instance, field.attname) for field in Agent._meta.concrete_fields}

    def save_keys(self, by: Any) -> None:
        """Keep the keys that were typed, forget those that were ticked. After the agent is saved."""
        for slug, _ in registry.keyed():
            key = self.cleaned_data.get(key_field(slug))
            if key:
                keys.keep(agent=self.instance, slug=slug, key=key.reveal(), by=by)
            elif self.cleaned_data.get(forget_field(slug)):
                keys.forget(agent=self.instance, slug=slug)


def read_options(
    role: Role, slug: str, cleaned: Mapping[str, Any], before: Mapping[str, Any], data: Mapping[str, Any]
) -> dict[str, Any]:
    """Option -> value as it was filled in, without what stands at its default and always did. What was not sent (`data`) is as
    before; a box that is not ticked is never sent, and off."""
    values: dict[str, Any] = {}
    for name, (default, about) in registry.options(role.kind, slug).items():
        field = option_field(role, slug, name)
        if field not in data and not isinstance(default, bool):
            values |= {name: before[name]} if name in before else {}
            continue
        value = cleaned.get(field)
        if isinstance(value, str):
            value = value.strip()
        empty = value is None or (value == "" and (default == "" or about.choices))
        if not empty and (name in before or value != default):
            values[name] = value
    return values


def posted(role: Role, slug: str, data: Any) -> tuple[dict[str, Any], list[str]]:
    """A provider's options as they stand in a form that is not saved, and what is wrong with them, a sentence each."""
    declared_options = registry.options(role.kind, slug)
    fields = {option_field(role, slug, name): _option(*found) for name, found in declared_options.items()}
    form = type("OptionsForm", (forms.Form,), {**fields})(data)  # which takes the fields out of what it gets
    form.is_valid()
    sent = any(field in data for field in fields)
    values = read_options(role, slug, form.cleaned_data, before={}, data=data) if sent else {}
    wrong = [f"{form.fields[field].label}: {' '.join(texts)}" for field, texts in form.errors.items()]
    wrong += [
        f"{declared_options[name][1].label}: {text}"
        for name, text in registry.problems(role.kind, slug, values).items()
        if option_field(role, slug, name) not in form.errors
    ]
    return values, wrong


def key_state(slug: str, row: ProviderKey | None) -> str:
    """Where the key comes from, without telling it. Shown to those who may change it."""
    variable = registry.key_variable(slug)
    if row is not None:
        end = f", ends in …{row.ending}" if row.ending else ""
        by = f" by {row.updated_by.get_username()}" if row.updated_by else ""
        on = f"{timezone.localtime(row.updated_at):%d %b %Y}"
        return f"Set for this agent{end}; {on}{by}. A new one takes its place; empty keeps it."
    if keys.from_environment(slug):
        return f"Empty: the one in {variable} is used. One that is typed here is for this agent alone, and is kept encrypted."
    return (
        f"There is none, neither here nor in {variable}: a stand-in on this machine answers instead. One that is typed here is for "
        "this agent alone, and is kept encrypted."
    )


# --- where it stands on the page


def fieldsets(request: HttpRequest, agent: Agent | None) -> list[Any]:
    """Who speaks, who speaks then, who hears; each with a section for every provider, of which the chosen ones are seen."""
    parts: list[Any] = []
    speaks = ""
    for role, heading, more in (
        (VOICE, "Voice", ["voice", "speed"]),
        (SECOND_VOICE, "Second voice", []),
        (HEARING, "Ear", []),
    ):
        chosen = request.POST.get(role.provider, "") if request.method == "POST" else getattr(agent, role.provider, "")
        classes = ["vp-second"] if role is SECOND_VOICE else []
        if classes and not speaks:
            chosen, classes = "", [*classes, "vp-not-chosen"]
        speaks = speaks or chosen
        parts.append((heading, {"classes": classes, "fields": [role.provider, *more]}))
        for slug, label in registry.choices(role.kind):
            parts.append((HEADINGS[role].format(label), _section(role, slug, chosen)))
    if registry.keyed() and request.user.has_perm(MAY_CHANGE_KEYS):
        rows = [name for slug, _ in registry.keyed() for name in (key_field(slug), forget_field(slug))]
        parts.append(("Keys", {"classes": ["vp-keys"], "fields": rows}))
    return parts


def _section(role: Role, slug: str, chosen: str) -> dict[str, Any]:
    names = [option_field(role, slug, name) for name in registry.options(role.kind, slug)]
    trying = [] if role is HEARING else [try_field(role, slug)]
    unseen = [] if slug == chosen else ["vp-not-chosen"]
    return {"classes": ["vp-provider", f"vp-{role.name}-{slug}", *unseen], "fields": [*names, *trying]}
