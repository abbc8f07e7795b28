"""The settings that one call runs with, frozen when it begins. Holds no secret: it is stored with the call."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from agents import phrases, realtime_models
from agents.models import Agent, TurnSettings

TURN_FIELDS = [f.name for f in TurnSettings._meta.fields if f.name not in ("id", "agent")]


def in_force(turn: TurnSettings) -> dict[str, Any]:
    """All turn settings as a call runs with them: what is left to the language is resolved, and the revision is named."""
    return {
        **{name: getattr(turn, name) for name in TURN_FIELDS},
        **phrases.sentences(
            {name: getattr(turn, name) for name in ("idle_prompt", "idle_goodbye", "call_warning")}, turn.language
        ),
        "silence_ms": turn.silence_ms,
        "backchannel_phrases": phrases.backchannels(turn.backchannel_phrases, turn.language),
        "interrupt_phrases": phrases.interrupts(turn.interrupt_phrases, turn.language),
        "revision": turn.revision,
    }


@dataclass(frozen=True, slots=True)
class AgentSnapshot:
    agent_id: int
    name: str
    model: str
    instructions: str
    greeting: str
    voice: str
    language: str
    speed: float
    turn_detection: dict[str, Any]
    turn: dict[str, Any] = field(default_factory=dict)
    transcription: dict[str, Any] | None = None
    noise_reduction: dict[str, Any] | None = None
    # Only what is not the speech model's own: {"provider": slug, "options": {name: value}}, in the order of their use.
    voices: list[dict[str, Any]] = field(default_factory=list)
    hearing: dict[str, Any] | None = None

    @classmethod
    def of(cls, agent: Agent) -> AgentSnapshot:
        """As the agent is now. An agent without turn settings has the defaults."""
        turn = getattr(agent, "turn_settings", None) or TurnSettings(agent=agent)
        transcription = None
        if agent.transcription_model:
            transcription = {"model": agent.transcription_model}
            if agent.language:
                transcription["language"] = agent.language
            if agent.transcription_model == realtime_models.EARLY_WORDS:
                transcription["delay"] = "low"  # words while they are spoken are evidence; only this model takes it
        return cls(
            agent_id=agent.pk,
            name=agent.name,
            model=agent.model,
            instructions=agent.instructions,
            greeting=agent.greeting,
            voice=agent.voice,
            language=agent.language,
            speed=agent.speed,
            turn_detection=turn.turn_detection(),
            turn=in_force(turn),
            transcription=transcription,
            noise_reduction={"type": agent.noise_reduction} if agent.noise_reduction else None,
            voices=agent.voices(),
            hearing=agent.hearing(),
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> AgentSnapshot:
        """Also of a call that an earlier or a later version stored: what it lacks has its default, what we do not know is left."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})
