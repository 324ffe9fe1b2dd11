from importlib import import_module

from django.db import migrations

counts = import_module("campaigns.migrations.0009_count_what_changes")
NOW = counts.WORDS | {
    "variant": "variant_id",
    "old_variant": "OLD.variant_id",
    "new_variant": "NEW.variant_id",
    "key_columns": "account_id, step, variant_id",
    "key_changed": (
        "(OLD.account_id <> NEW.account_id OR OLD.step <> NEW.step"
        " OR OLD.variant_id IS DISTINCT FROM NEW.variant_id)"
    ),
}


def triggers(words):
    """Make the counting anew; what was counted stays."""
    made = counts.EMAILS + counts.EVENTS + counts.RECIPIENTS
    return counts.DROP + made.format(**words)


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0015_split_tests_and_windows'),
    ]

    operations = [
        migrations.RunSQL(triggers(NOW), triggers(counts.WORDS)),
    ]
