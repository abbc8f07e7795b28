"""Our own ear: what judges the caller's sound beside the model's VAD, as evidence of who is speaking.

network, level, echo   speech, loudness over the line's noise, likeness to what the agent is playing; each 32 ms
laughter               likeness to laughing and coughing, of the last second
playing                what the caller hears of the agent, cut as the caller's sound is
stream                 one call's sound in, `SoundHeard` out; pure, and judged for many calls at once
live                   the thread that does so for all calls of the process, so that the event loop never does
track                  the probabilities kept beside the recording
"""
