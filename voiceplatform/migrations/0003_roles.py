"""The groups Admin, Tuner and Reviewer. Permissions of later versions: `manage.py sync_roles`, which `make run` and the Procfile do."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

from voiceplatform import roles


def make(apps, schema_editor):
    # Django makes permissions only after the last migration. Those of the models up to here are made now.
    for app in apps.get_app_configs():
        app.models_module = True
        create_permissions(app, apps=apps, verbosity=0)
        app.models_module = None
    roles.sync(apps.get_model("auth", "Group").objects, apps.get_model("auth", "Permission").objects)


class Migration(migrations.Migration):
    dependencies = [
        ("voiceplatform", "0002_append_only"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("agents", "0003_first_revisions"),
        ("calls", "0004_call_permissions"),
    ]

    # Going back leaves the groups: they may have members.
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
