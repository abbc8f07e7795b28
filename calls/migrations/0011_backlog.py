from django.db import migrations, models
from django.utils import timezone


def leave_the_earlier_calls(apps, schema_editor):
    """To calls.earlier, as soon as a worker runs. Calls that come in from now on are summed up as they end."""
    Call, Backlog = apps.get_model("calls", "Call"), apps.get_model("calls", "Backlog")
    if Call.objects.exists():
        Backlog.objects.create(before=timezone.now())


class Migration(migrations.Migration):

    dependencies = [
        ("calls", "0010_ends_of_lines_part_phrases"),
    ]

    operations = [
        migrations.CreateModel(
            name="Backlog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("before", models.DateTimeField(help_text="Calls that rang before this are not summed up yet.")),
            ],
        ),
        migrations.RunPython(leave_the_earlier_calls, migrations.RunPython.noop),
    ]
