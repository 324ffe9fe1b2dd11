"""A hash of each mail's words tells whether they can be put together again as they were."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add a column that stays empty for mails that went before."""

    dependencies = [
        ('campaigns', '0022_fewer_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='email',
            name='words_hash',
            field=models.BigIntegerField(blank=True, editable=False, null=True),
        ),
    ]
