from django.apps import AppConfig


class VoicePlatformConfig(AppConfig):
    name = "voiceplatform"
    verbose_name = "Voice platform"

    def ready(self) -> None:
        from voiceplatform import checks  # noqa: F401  registers them
