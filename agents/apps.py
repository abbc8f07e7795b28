from django.apps import AppConfig
from django.core.checks import Tags, register


class AgentsConfig(AppConfig):
    name = "agents"
    verbose_name = "Answering"

    def ready(self) -> None:
        from agents import checks

        register(checks.agents_can_speak_and_hear, Tags.database)
