"""Gives agents the guard against laughter, where sound over the agent is weighed at all.

Earlier revisions had none, so going back to one of them switches it off.
"""

import django.core.validators
from django.db import migrations, models

ON = 0.5


def switch_on(apps, schema_editor):
    history = apps.get_model("agents", "HistoricalTurnSettings").objects
    history.update(laughter_guard=0.0)
    for turn in apps.get_model("agents", "TurnSettings").objects.all():
        weighs = not (turn.create_response or turn.interrupt_response or turn.mode == "legacy")
        turn.laughter_guard = ON if weighs else 0.0
        turn.save(update_fields=["laughter_guard"])
        newest = history.filter(id=turn.pk).order_by("-history_date", "-history_id").first()
        if newest is not None:
            newest.laughter_guard = turn.laughter_guard
            newest.save(update_fields=["laughter_guard"])


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0004_voices_and_keys'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalturnsettings',
            name='laughter_guard',
            field=models.FloatField(default=0.5, help_text="A second of sound as like as this to laughing, coughing or clearing one's throat does not stop the agent. Lower: a soft laugh does not stop it either, and a caller with a hoarse or shrill voice may have to talk over it for longer. 0: off.\n0 to 1. Default 0.5: half-way between the speech that is most like it and the laughs and coughs that are least.", validators=[django.core.validators.MinValueValidator(0.0, 'It cannot be below 0; 0 switches the guard off.'), django.core.validators.MaxValueValidator(1, 'A likeness is at most 1; just below it no laugh is recognised, and laughter stops the agent.')], verbose_name='guard against laughter and coughs'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='laughter_guard',
            field=models.FloatField(default=0.5, help_text="A second of sound as like as this to laughing, coughing or clearing one's throat does not stop the agent. Lower: a soft laugh does not stop it either, and a caller with a hoarse or shrill voice may have to talk over it for longer. 0: off.\n0 to 1. Default 0.5: half-way between the speech that is most like it and the laughs and coughs that are least.", validators=[django.core.validators.MinValueValidator(0.0, 'It cannot be below 0; 0 switches the guard off.'), django.core.validators.MaxValueValidator(1, 'A likeness is at most 1; just below it no laugh is recognised, and laughter stops the agent.')], verbose_name='guard against laughter and coughs'),
        ),
        migrations.RunPython(switch_on, migrations.RunPython.noop),
    ]
