from django.db import migrations, models
from django.db.models import OuterRef, Subquery

HELP = "The call's, so that a common word is found by walking from the newest on."


def fill(apps, schema_editor):
    Call, Transcript = apps.get_model("calls", "Call"), apps.get_model("calls", "Transcript")
    Transcript.objects.update(rang_at=Subquery(Call.objects.filter(pk=OuterRef("pk")).values("rang_at")))


class Migration(migrations.Migration):

    dependencies = [
        ("calls", "0007_summaries_of_earlier_calls"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="call", name="call_last_revision"),
        migrations.AddField(model_name="transcript", name="rang_at", field=models.DateTimeField(null=True, help_text=HELP)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(model_name="transcript", name="rang_at", field=models.DateTimeField(help_text=HELP)),
        migrations.AddIndex(
            model_name="transcript", index=models.Index(fields=["-rang_at"], name="transcript_time")
        ),
    ]
