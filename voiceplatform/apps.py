from django.apps import AppConfig
from django.contrib.auth.apps import AuthConfig


class VoicePlatformConfig(AppConfig):
    name = "voiceplatform"
    verbose_name = "Voice platform"

    def ready(self) -> None:
        from voiceplatform import checks  # noqa: F401  registers them


class PeopleConfig(AuthConfig):
    """Django's users and groups, called in the frame what the menu calls them."""

    verbose_name = "People"
