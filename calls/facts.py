from calls.conversation.facts import *  # noqa: F403
