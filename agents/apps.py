from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"
    verbose_name = "Answering"

    def ready(self) -> None:
        from agents import checks  # noqa: F401  registers them
