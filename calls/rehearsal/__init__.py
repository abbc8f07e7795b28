"""The rehearsal model: an offline server of the OpenAI Realtime protocol (GA), so that everything runs without a key.

Honest about what it is: it hears *that* somebody speaks and when (Silero), never *what* is said. Its answers are a script, its
voice is eSpeak NG. A caller's line is never given words that nobody handed over: its transcription says that it failed, and why.

Known differences from the service: `semantic_vad` is a longer or shorter silence, because judging whether a sentence is finished
takes words; noise reduction is accepted and not done; tools are accepted and never called; usage is estimated from lengths.

    script, voice, sound, checks      what it says, with which voice, in which format; what it accepts
    config, items, hearing, reply     parts of one session, without I/O
    session                           one session: client events in, server events out, the clock passed in
    server                            the websocket round it
"""
