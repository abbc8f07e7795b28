"""How the admin and the review pages look and where they lead."""

from django.templatetags.static import static
from django.urls import reverse_lazy

UNFOLD = {
    "SITE_TITLE": "Voice platform",
    "SITE_HEADER": "Voice platform",
    "SITE_SYMBOL": "call",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("calls/favicon.svg")}],
    "SHOW_HISTORY": True,
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "title": "Calls",
                "items": [{"title": "Review calls", "icon": "graphic_eq", "link": reverse_lazy("calls:list")}],
            },
            {
                "title": "Answering",
                "items": [
                    {"title": "Agents", "icon": "support_agent", "link": reverse_lazy("admin:agents_agent_changelist")},
                    {
                        "title": "Phone numbers",
                        "icon": "dialpad",
                        "link": reverse_lazy("admin:agents_phonenumber_changelist"),
                    },
                ],
            },
            {
                "title": "People",
                "items": [
                    {"title": "Users", "icon": "person", "link": reverse_lazy("admin:auth_user_changelist")},
                    {"title": "Groups", "icon": "group", "link": reverse_lazy("admin:auth_group_changelist")},
                ],
            },
        ],
    },
}
