"""The vocabulary of a call's record: the kinds of notes, and what the data of each holds.

A note becomes a line of the spool, `{"seq": int, "at_ms": int, "kind": str, "data": {…}}`, and then a CallEvent
with the same four fields. `seq` counts from 1 within a call; `at_ms` is since the media stream began.
`calls/services.py` derives turns, interruptions and recordings from these, and from nothing else, so a call can be
derived again at any time. Words that were spoken stand only in fields named `text`, `heard_text` and
`unheard_text`.
"""

# The call
CALL_STARTED = "call_started"  # agent, model, stream_id
SESSION_CONFIGURED = "session_configured"  # session_id, turn_detection, model
SESSION_DIFFERS = "session_differs"  # differences: [str]
CALL_ENDED = "call_ended"  # reason, failed: bool, duration_ms, frames_in, messages_out
RECORDING = "recording"  # path (relative to DATA_DIR), duration_ms, bytes, peaks: per channel

# The caller
CALLER_SPEAKING = "caller_speaking"  # item_id, audio_start_ms, over_agent: bool
CALLER_STOPPED = "caller_stopped"  # item_id, audio_end_ms, speech_ms
CALLER_TURN = "caller_turn"  # item_id, started_ms, ended_ms
CALLER_WORDS = "caller_words"  # item_id, text
CALLER_WORDS_FAILED = "caller_words_failed"  # item_id, code
CALLER_KEY = "caller_key"  # digit

PATIENCE = "patience"  # kind: spelling | email | number | "", extra_ms: waited in addition to the silence

# The agent
REPLY_ASKED = "reply_asked"  # request_id, because: greeting | caller_stopped | restored | idle | goodbye | warning |
#                            unheard (our ear stopped the agent for speech that the model's VAD never noticed) |
#                            voice_failed (the model's own voice says the rest) |
#                            typed (by staff, who follow the call)
REPLY_CREATED = "reply_created"  # reply_id, request_id
REPLY_STARTED = (
    "reply_started"  # reply_id, delay_ms since the caller stopped (None for the greeting), voice: external or "",
)
#                                voice_ms: from the first text to the first sound handed to the phone (None: the model's own voice)
REPLY_DONE = "reply_done"  # reply_id, status, reason, error_code, usage
REPLY_FINISHED = "reply_finished"  # reply_id; generated, and heard to its end
REPLY_WITHDRAWN = "reply_withdrawn"  # request_id or reply_id; asked for and no longer wanted
AGENT_TURN = "agent_turn"  # reply_id, item_id, started_ms, ended_ms, heard_ms, generated_ms, text, heard_text,
#                            unheard_text, interruption: number or 0. Sent again when the text became known later.

# Interruptions
INTERRUPTION = "interruption"  # number, phase: asked | generating | playing, mode: full | legacy, reply_id, item_id,
#                                heard_ms, generated_ms, heard_text, unheard_text, cleared_ms, cleared_chunks,
#                                steps: [str], speech_item_id
INTERRUPTION_CLEARED = "interruption_cleared"  # number, clear_ms: from speech start to the clear on the wire
INTERRUPTION_SETTLED = "interruption_settled"  # number, late_frames, late_ms: audio that came after and was dropped
INTERRUPTION_REFUSED = "interruption_refused"  # item_id, because, reasons, kept: answered after the reply, held: the
#                            sound had stopped, silent_ms: for so long, reply_id, heard_ms of it, speech_ms, minimum_ms,
#                            resumed_at_ms: the reply went on
TURN_REFUSED = "turn_refused"  # item_id, because: noise, reasons; a sound while nobody spoke that is not answered

# Why the agent stopped, `because` of an interruption:
#   any_speech  nothing is weighed, or the caller went on before the agent began
#   speech      enough of it          words  that always stop it, or are more than “mm-hm”
#   goes_on     a word before anything of the reply was heard: the caller goes on
#   deadline    it lasted so long that it wins whatever speaks against it
# Why it went on, `because` of a refusal:
#   too_short, soft, noise, echo, laughter, backchannel, grace    the item is deleted
#   answer, protected                                             the item is kept, and answered after the reply
# `reasons` are the evidence: [{evidence, value, threshold}], and {evidence: "words", text, list: the setting that holds them}.
# The kinds: any_speech, speech_ms (what counts, less what faded in gaps), voiced_ms (likely speech, all of it), lasted_ms,
# probability (the surest frame), loudness_db (the loudest), echo (likeness to the agent, on average), laughter (the likest
# second), words, grace_ms, left_ms (of the reply, when the sound was judged).

# Silence, and the length of the call
IDLE_PROMPT = "idle_prompt"  # number: in a row, goodbye: bool, after_ms
CALL_WARNING = "call_warning"  # left_s

# Staff who follow the call
SENTENCE_TYPED = "sentence_typed"  # text, by, taken: bool; the agent says it as soon as it may
HANG_UP_ASKED = "hang_up_asked"  # by
LISTENED_IN = "listened_in"  # by; began to hear both sides

# Providers beside the model
VOICE_FAILED = "voice_failed"  # voice, code, then: who goes on ("own": the model's voice; "": nothing was lost)
HEARING_READY = "hearing_ready"  # hearing
HEARING_LOST = "hearing_lost"  # hearing, reason, then: the same again, or "own": the model hears

# Changes while the call runs
SETTINGS_CHANGED = "settings_changed"  # revision, by, changes: {name: [old, new]}, ticket
SETTINGS_APPLIED = "settings_applied"  # revision, ticket, differences: [str]; the model's echo came back
SETTINGS_REFUSED = "settings_refused"  # revision, ticket, code; the call goes on with what it had

# Trouble
MODEL_ERROR = "model_error"  # kind, code, detail
LINK_LOST = "link_lost"  # reason, retry
LINK_RESTORED = "link_restored"  # attempt, items
OUTLET_FULL = "outlet_full"  # outlet
BAD_INPUT = "bad_input"  # source, problem
UNEXPECTED = "unexpected"  # event, state
STUCK = "stuck"  # state, after_ms, repair
