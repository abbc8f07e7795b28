from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from calls import dashboard, effect_pages, live_pages, number_pages, session_preview, voice_pages
from voiceplatform import health

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("carriers/", include("calls.carrier_urls")),
    path("calls/", include("calls.urls")),
    path("calls/agents/<int:agent_id>/", live_pages.page, name="live_settings"),
    path("calls/agents/<int:agent_id>/apply/", live_pages.apply, name="apply_live_settings"),
    path("calls/agents/<int:agent_id>/effect/", effect_pages.page, name="effect"),
    path("calls/agents/<int:agent_id>/session/", session_preview.preview, name="session_preview"),
    path("calls/voices/try/", voice_pages.try_voice, name="try_voice"),
    path("calls/now/", dashboard.live, name="dashboard_now"),
    path("calls/numbers/<int:number_id>/configure/", number_pages.configure, name="configure_number"),
    path("admin/", admin.site.urls),
]

handler403 = "voiceplatform.access.denied"
handler404 = "voiceplatform.error_pages.not_found"
