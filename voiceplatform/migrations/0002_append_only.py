"""The database itself refuses to change a line of the audit log. Old lines may be removed: see audit.forget_old()."""

from django.db import migrations

SQLITE = """
CREATE TRIGGER voiceplatform_audit_is_final BEFORE UPDATE ON voiceplatform_auditentry
BEGIN SELECT RAISE(ABORT, 'lines of the audit log are not changed'); END
"""

POSTGRESQL = """
CREATE FUNCTION voiceplatform_audit_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'lines of the audit log are not changed'; END $$;
CREATE TRIGGER voiceplatform_audit_is_final BEFORE UPDATE ON voiceplatform_auditentry
FOR EACH ROW EXECUTE FUNCTION voiceplatform_audit_is_final();
"""


def guard(apps, schema_editor):
    statement = {"sqlite": SQLITE, "postgresql": POSTGRESQL}.get(schema_editor.connection.vendor)
    if statement:
        schema_editor.execute(statement)


def unguard(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER IF EXISTS voiceplatform_audit_is_final")
    elif schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER IF EXISTS voiceplatform_audit_is_final ON voiceplatform_auditentry")
        schema_editor.execute("DROP FUNCTION IF EXISTS voiceplatform_audit_is_final()")


class Migration(migrations.Migration):
    dependencies = [("voiceplatform", "0001_audit_log")]

    operations = [migrations.RunPython(guard, unguard)]
