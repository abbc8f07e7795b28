"""What callers say while they go on listening, and what they say to stop somebody, by language.

A backchannel over the agent leaves the reply playing, and nothing of it reaches the model. So words that answer a question
when they stand alone must not be in that list: “yes”, “no”, “right”, “sure”, “ja”, “sí”, “oui”, “sì”, “sim”. An agent often asks in
its last words, and callers answer before it has ended; an answer taken for “go on” would be lost. “Yeah” and “okay” can be
answers too; they are in, because over a sentence that is no question they nearly always mean “go on”. Whose agent asks all
the time writes a shorter list. Words of consent (“d'accord”, “vale”, “va bene”, “claro”) are out: on the phone they mostly
close a proposal.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError

from agents import defaults

ANYWHERE = ["mm-hm", "mhm", "mmhm", "uh-huh", "mm", "mmm", "hm", "hmm", "ah", "aha", "ok", "okay"]
"""Sounds of listening that are no word with another meaning in the languages below."""

BACKCHANNELS = {
    "en": [
        *ANYWHERE,
        "mm-hmm",
        "uh huh",
        "yeah",
        "yep",
        "yup",
        "i see",
        "got it",
        "gotcha",
        "oh",
        "oh okay",
        "wow",
        "thanks",
        "thank you",
    ],
    "de": [*ANYWHERE, "hmhm", "jaja", "ja ja", "ach so", "achso", "soso", "verstehe", "oh"],
    "es": [*ANYWHERE, "ajá", "aja", "ajam", "ya", "ya veo", "entiendo", "okey"],
    "fr": [*ANYWHERE, "hum", "hum hum", "ouais", "ah bon", "je vois", "ah oui", "oh"],
    "it": [*ANYWHERE, "eh", "ah ecco", "capisco", "capito", "ho capito", "oh"],
    "pt": [*ANYWHERE, "aham", "uhum", "ahã", "tá", "pois", "pois é", "entendi", "percebo", "sei"],
    "nl": [*ANYWHERE, "jaja", "ja ja", "oké", "oke", "ah ja", "ik snap het", "begrijp ik", "oh"],
}

INTERRUPTS = {
    "en": ["stop", "wait", "hold on", "hang on", "no", "sorry", "excuse me", "hello", "one moment", "one second"],
    "de": ["stopp", "stop", "halt", "warte", "warten sie", "moment", "nein", "entschuldigung", "hallo", "sekunde"],
    "es": ["para", "pare", "espera", "espere", "un momento", "no", "perdón", "perdone", "disculpe", "oiga", "hola"],
    "fr": [
        "stop",
        "arrêtez",
        "attendez",
        "attends",
        "un instant",
        "non",
        "pardon",
        "excusez-moi",
        "allô",
        "une seconde",
    ],
    "it": ["stop", "ferma", "aspetti", "aspetta", "un momento", "un attimo", "no", "scusi", "scusa", "pronto"],
    "pt": [
        "pare",
        "para",
        "espere",
        "espera",
        "um momento",
        "não",
        "desculpe",
        "desculpa",
        "com licença",
        "alô",
        "olá",
    ],
    "nl": ["stop", "wacht", "wacht even", "momentje", "nee", "sorry", "pardon", "hallo", "een moment"],
}

ELSEWHERE = ["stop", "hello", "hallo", "halo", "sorry"]
"""For a language without a list. Not “no”: in Polish and Czech that is a “yeah”."""

SENTENCES = {
    "de": ("Sind Sie noch da?", "Ich kann Sie nicht mehr hören. Auf Wiederhören.", "Wir haben noch eine Minute."),
    "es": ("¿Sigue ahí?", "Ya no le oigo. Adiós.", "Nos queda un minuto."),
    "fr": ("Vous êtes toujours là ?", "Je ne vous entends plus. Au revoir.", "Il nous reste une minute."),
    "it": ("È ancora in linea?", "Non la sento più. Arrivederci.", "Ci resta un minuto."),
    "pt": ("Ainda está aí?", "Já não o ouço. Até logo.", "Temos mais um minuto."),
    "nl": ("Bent u er nog?", "Ik hoor u niet meer. Tot ziens.", "We hebben nog een minuut."),
}
"""What stands for the three sentences that agents are given, in the languages that have lists above: the question after a
silence, the goodbye, and the warning of the end. Only for those that nobody has changed."""

MOST_PHRASES, LONGEST_PHRASE = 200, 80


def own(text: str) -> list[str]:
    """The phrases of a text field, one per line: lower case, each once, in their order."""
    lines = (" ".join(line.lower().replace("’", "'").split()) for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line))


def backchannels(text: str, language: str) -> list[str]:
    """The text's own phrases, or the list of the language; English where none is named."""
    return own(text) or BACKCHANNELS.get(_two_letters(language), ANYWHERE)


def interrupts(text: str, language: str) -> list[str]:
    """The text's own phrases, or the list of the language; English where none is named."""
    return own(text) or INTERRUPTS.get(_two_letters(language), ELSEWHERE)


def sentences(said: dict[str, str], language: str) -> dict[str, str]:
    """Each of the agent's sentences, by its setting: where it is still the one that agents are given, in their language."""
    translated = SENTENCES.get(_two_letters(language), ())
    own = dict(zip(("idle_prompt", "idle_goodbye", "call_warning"), translated, strict=False))
    return {name: own.get(name, text) if text == defaults.value(name) else text for name, text in said.items()}


def _two_letters(language: str) -> str:
    return language.replace("_", "-").split("-")[0].strip().lower() or "en"


def check(text: str) -> None:
    """A validator: a list that can be gone through while somebody speaks."""
    found = own(text)
    if len(found) > MOST_PHRASES:
        raise ValidationError(f"At most {MOST_PHRASES} phrases, one on each line.")
    if any(len(phrase) > LONGEST_PHRASE for phrase in found):
        raise ValidationError(f"A phrase is at most {LONGEST_PHRASE} characters. Write one on each line.")
