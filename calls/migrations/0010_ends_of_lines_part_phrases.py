"""In PostgreSQL's index a word that nobody says stands at the end of each line, so that words of two people make no phrase.

Asking for that beside the index, with LIKE, made PostgreSQL guess seven calls where there were thousands, and read all of them.
"""

from django.db import migrations, models

TEXT = {True: "replace(text, E'\\n', ' qxqendqxq ')", False: "text"}


def column(parted):
    def change(apps, schema_editor):
        if schema_editor.connection.vendor != "postgresql":
            return
        for statement in (
            "ALTER TABLE calls_transcript DROP COLUMN vector",
            "ALTER TABLE calls_transcript ADD COLUMN vector tsvector "
            f"GENERATED ALWAYS AS (to_tsvector('simple', {TEXT[parted]})) STORED",
            "CREATE INDEX transcript_vector ON calls_transcript USING gin (vector)",
            "ALTER TABLE calls_transcript ALTER COLUMN vector SET STATISTICS 1000",
        ):
            schema_editor.execute(statement)

    return change


class Migration(migrations.Migration):
    dependencies = [("calls", "0009_sort_by_index_alone")]
    operations = [
        migrations.RunPython(column(True), column(False)),
        migrations.AlterField(
            model_name="call",
            name="voice",
            field=models.CharField(
                blank=True, help_text="The model's voice by its name, or a provider of voices by its slug.", max_length=80
            ),
        ),
    ]
