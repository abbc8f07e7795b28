from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from calls.carriers.twilio import Twilio
from voiceplatform import registry


def test_a_slug_stands_for_its_class() -> None:
    assert registry.load("CARRIERS", "twilio") is Twilio


def test_every_provider_of_the_settings_can_be_loaded_and_has_a_label() -> None:
    assert {slug for slug, _ in registry.choices("CARRIERS")} == {"twilio"}
    assert {slug for slug, _ in registry.choices("MODELS")} == {"openai"}
    assert all(label for kind in ("CARRIERS", "MODELS") for _, label in registry.choices(kind))


def test_an_unknown_slug_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"no 'pigeon'.*Known are: browser, twilio"):
        registry.load("CARRIERS", "pigeon")


def test_a_class_that_is_not_there_is_named(settings: Any) -> None:
    settings.CARRIERS = {"pigeon": "calls.carriers.pigeon.Pigeon"}
    with pytest.raises(ImproperlyConfigured, match=r"calls\.carriers\.pigeon\.Pigeon, which cannot be imported"):
        registry.load("CARRIERS", "pigeon")


def test_a_provider_is_where_the_environment_says_else_its_service_else_a_stand_in_here(
    providers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    providers.STAND_INS_PORT = 8766
    assert registry.address("VOICES", "lark", key="") == "ws://127.0.0.1:8766/lark/v1"
    assert registry.address("VOICES", "wren", key="") == "http://127.0.0.1:8766/wren"
    assert registry.address("HEARINGS", "wren", key="") == "ws://127.0.0.1:8766/wren/v2"
    assert registry.address("VOICES", "lark", key="one") == "wss://lark.example/v1"
    monkeypatch.setenv("LARK_URL", "ws://other.example")
    assert registry.address("VOICES", "lark", key="one") == "ws://other.example"
    providers.LARK_URL = "ws://third.example/"
    assert registry.address("VOICES", "lark", key="one") == "ws://third.example"


def test_one_key_opens_all_that_a_provider_does(providers: Any) -> None:
    assert registry.keyed() == [("lark", "Lark & Co"), ("wren", "Wren")]
    assert (registry.key_variable("wren"), registry.key_variable("pigeon")) == ("WREN_API_KEY", "")
