"""Two voices and an ear as a provider's file declares them, for tests of what is made from a declaration."""

from __future__ import annotations

from dataclasses import dataclass

from calls.voices.options import option


class Lark:
    slug, label, transport = "lark", "Lark & Co", "websocket"
    key_variable, url_variable = "LARK_API_KEY", "LARK_URL"
    service_url = "wss://lark.example/v1"
    stand_in = ""

    @dataclass(frozen=True, slots=True)
    class Options:
        voice_id: str = option("Voice", "Whose voice callers hear.", default="", required=True)
        model: str = option("Model", "Quick or fine.", default="swift", choices=[("swift", "Swift"), ("fine", "Fine")])
        speed: float = option("Speed", "How fast it talks.", default=1.0, least=0.7, most=1.2)
        chunk: int = option("Chunk", "Characters before it begins.", default=50, least=50, most=500)
        boost: bool = option("Boost", "Nearer to the original.", default=True)


class Wren:
    slug, label, transport = "wren", "Wren", "http"
    key_variable, url_variable = "WREN_API_KEY", "WREN_URL"
    service_url = "https://wren.example"
    stand_in = ""

    @dataclass(frozen=True, slots=True)
    class Options:
        voice_id: str = option("Voice", "Whose voice callers hear.", default="sarah")


class WrenEar:
    slug, label = "wren", "Wren"
    key_variable, url_variable = "WREN_API_KEY", "WREN_RT_URL"
    service_url = "wss://wren.example/v2"
    stand_in = ""

    @dataclass(frozen=True, slots=True)
    class Options:
        max_delay: float = option("Longest delay", "Words are settled after this.", default=1.0, least=0.7, most=4)


VOICES = {each.slug: f"{__name__}.{each.__name__}" for each in (Lark, Wren)}
HEARINGS = {"wren": f"{__name__}.WrenEar"}
