"""What a carrier's own voice says when no agent does, in the languages that it speaks."""

from __future__ import annotations

SPOKEN = {
    "ca-ES": "Catalan",
    "zh-HK": "Chinese (Cantonese)",
    "zh-CN": "Chinese (Mandarin)",
    "zh-TW": "Chinese (Taiwan)",
    "da-DK": "Danish",
    "nl-NL": "Dutch",
    "en-AU": "English (Australia)",
    "en-CA": "English (Canada)",
    "en-GB": "English (Great Britain)",
    "en-IN": "English (India)",
    "en-US": "English (United States)",
    "fi-FI": "Finnish",
    "fr-CA": "French (Canada)",
    "fr-FR": "French (France)",
    "de-DE": "German",
    "it-IT": "Italian",
    "ja-JP": "Japanese",
    "ko-KR": "Korean",
    "nb-NO": "Norwegian",
    "pl-PL": "Polish",
    "pt-BR": "Portuguese (Brazil)",
    "pt-PT": "Portuguese (Portugal)",
    "ru-RU": "Russian",
    "es-MX": "Spanish (Mexico)",
    "es-ES": "Spanish (Spain)",
    "sv-SE": "Swedish",
}
"""Values of the attribute `language` of Twilio's <Say> that every voice of its own has."""

ENGLISH = "en-US"

FIRST_OF = {"en": ENGLISH, "pt": "pt-PT", "es": "es-ES", "fr": "fr-FR", "zh": "zh-CN", "no": "nb-NO"}
"""Where two letters name several, the one that is meant."""

CLOSED = {
    "en": "Hello. Nobody can take your call right now. Please try again later. Goodbye.",
    "de": "Guten Tag. Im Moment kann niemand Ihren Anruf annehmen. Bitte versuchen Sie es später noch einmal. Auf Wiederhören.",
    "es": "Hola. En este momento nadie puede atender su llamada. Por favor, inténtelo más tarde. Adiós.",
    "fr": "Bonjour. Personne ne peut prendre votre appel pour le moment. Veuillez réessayer plus tard. Au revoir.",
    "it": "Buongiorno. In questo momento nessuno può rispondere. La preghiamo di riprovare più tardi. Arrivederci.",
    "pt": "Olá. De momento ninguém pode atender a sua chamada. Por favor, tente mais tarde. Até logo.",
    "nl": "Goedendag. Op dit moment kan niemand uw gesprek aannemen. Probeer het later nog eens. Tot ziens.",
}
"""Of a number that has no sentence of its own: outside its hours, switched off, or without an agent."""

APOLOGY = {
    "en": "We are sorry. We have a technical problem and cannot go on with your call. Please try again later. Goodbye.",
    "de": "Es tut uns leid. Wir haben eine technische Störung und können Ihr Gespräch nicht fortsetzen. Bitte versuchen Sie es "
    "später noch einmal. Auf Wiederhören.",
    "es": "Lo sentimos. Tenemos un problema técnico y no podemos continuar con su llamada. Por favor, inténtelo más tarde. Adiós.",
    "fr": "Nous sommes désolés. Un problème technique nous empêche de poursuivre votre appel. Veuillez réessayer plus tard. "
    "Au revoir.",
    "it": "Siamo spiacenti. Per un problema tecnico non possiamo proseguire la chiamata. La preghiamo di riprovare più tardi. "
    "Arrivederci.",
    "pt": "Lamentamos. Temos um problema técnico e não podemos continuar a sua chamada. Por favor, tente mais tarde. Até logo.",
    "nl": "Het spijt ons. We hebben een technische storing en kunnen uw gesprek niet voortzetten. Probeer het later nog eens. "
    "Tot ziens.",
}


def full(language: str) -> str:
    """A language as the carrier names it: “de” -> “de-DE”; what it does not speak is said in English."""
    wanted = language.replace("_", "-").strip().lower()
    by_lower = {code.lower(): code for code in SPOKEN}
    if wanted in by_lower:
        return by_lower[wanted]
    letters = wanted.split("-")[0]
    if letters in FIRST_OF:
        return FIRST_OF[letters]
    return next((code for code in SPOKEN if code.split("-")[0] == letters), ENGLISH)


def has(language: str) -> bool:
    """Whether there are sentences of ours in it."""
    return full(language).split("-")[0] in CLOSED


def sentence(said: dict[str, str], language: str) -> tuple[str, str]:
    """(text, language) of one of the two above; in English where there is none."""
    code = full(language)
    text = said.get(code.split("-")[0])
    return (text, code) if text else (said["en"], ENGLISH)
