"""Where a conversation can be, and what each fact does there.

`TABLE` names, for each kind of event that depends on where we are, the method of `Conversation` that answers it in
each state. An event without a row for the state is a `Note("unexpected")` and changes nothing. Events that mean the
same everywhere (sound, marks, words, keys, errors) are in `EVERYWHERE`.
"""

from __future__ import annotations

from enum import StrEnum

from . import events as e


class State(StrEnum):
    CONNECTING = "connecting"  # the model's session is not configured yet, or not again
    LISTENING = "listening"  # nobody speaks, nothing is asked for
    HEARING = "hearing"  # the caller speaks
    PREPARING = "preparing"  # the caller has stopped; a reply is wanted or asked for
    REPLYING = "replying"  # a reply is being made, or can still be heard
    WEIGHING = "weighing"  # the caller speaks over the agent, which goes on until we know what it is
    HOLDING = "holding"  # the caller speaks over the agent; the reply is held until we know what it is
    ENDED = "ended"


ANY_LIVE = frozenset(State) - {State.ENDED}
OVER_AGENT = frozenset({State.WEIGHING, State.HOLDING})

TABLE: dict[type, dict[State, str]] = {
    e.CallAnswered: {State.CONNECTING: "_answered"},
    e.ModelReady: {State.CONNECTING: "_model_ready"},
    e.ModelConfigured: dict.fromkeys(ANY_LIVE, "_model_configured"),
    e.SpeechStarted: {
        State.CONNECTING: "_heard_meanwhile",
        State.LISTENING: "_caller_takes_turn",
        State.PREPARING: "_caller_goes_on",
        State.REPLYING: "_caller_over_agent",
        State.HEARING: "_model_hears_it_too",
    },
    e.SpeechStopped: {
        State.CONNECTING: "_heard_meanwhile",
        State.HEARING: "_caller_stopped",
        State.WEIGHING: "_caller_stopped_over_agent",
        State.HOLDING: "_caller_stopped_over_agent",
        State.REPLYING: "_refused_speech_stopped",
        State.LISTENING: "_refused_speech_stopped",
        State.PREPARING: "_refused_speech_stopped",
    },
    e.InputCommitted: {
        State.CONNECTING: "_committed_meanwhile",
        State.LISTENING: "_committed",
        State.HEARING: "_committed",
        State.PREPARING: "_committed_and_waited_for",
        State.REPLYING: "_committed",
        State.WEIGHING: "_committed",
        State.HOLDING: "_committed",
    },
    e.ReplyCreated: {
        State.LISTENING: "_reply_created",
        State.PREPARING: "_reply_created",
        State.REPLYING: "_reply_created",
        State.HEARING: "_reply_created_too_late",
        State.WEIGHING: "_reply_created_too_late",
        State.HOLDING: "_reply_created_too_late",
    },
    e.PhoneClosed: dict.fromkeys(ANY_LIVE, "_hung_up"),
    e.HangUpAsked: dict.fromkeys(ANY_LIVE, "_hang_up_asked"),
    e.LinkLost: dict.fromkeys(ANY_LIVE, "_link_lost"),
}

EVERYWHERE: dict[type, str] = {
    e.CallerAudio: "_caller_audio",
    e.MarkPlayed: "_mark_played",
    e.CallerKey: "_caller_key",
    e.CallerTranscript: "_caller_words",
    e.CallerTranscriptFailed: "_caller_words_failed",
    e.EarlyWords: "_early_words",
    e.SoundHeard: "_sound_heard",
    e.SettingsChanged: "_settings_changed",
    e.SentenceTyped: "_sentence_typed",
    e.ItemAdded: "_item_added",
    e.ReplyAudio: "_reply_audio",
    e.ReplyText: "_reply_text",
    e.ReplyTextDone: "_reply_text_done",
    e.ReplyAudioDone: "_reply_audio_done",
    e.ReplyDone: "_reply_done",
    e.ItemPlaced: "_item_placed",
    e.ItemTruncated: "_settled",
    e.ItemDeleted: "_item_deleted",
    e.VoiceAudio: "_voice_audio",
    e.VoiceTimed: "_voice_timed",
    e.VoiceDone: "_voice_done",
    e.VoiceFailed: "_voice_failed",
    e.VoiceLost: "_voice_lost",
    e.HearingReady: "_hearing_ready",
    e.HearingLost: "_hearing_lost",
    e.ModelError: "_model_error",
    e.OutletFull: "_outlet_full",
    e.BadMessage: "_bad_message",
}
