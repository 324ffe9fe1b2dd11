"""Two workers send more than the 60,000 mails a minute that were the most."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    """Let an account's pace be ten times as high."""

    dependencies = [
        ('campaigns', '0023_know_words_again'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='account',
            name='campaigns_account_per_minute_valid',
        ),
        migrations.AlterField(
            model_name='account',
            name='per_minute',
            field=models.PositiveIntegerField(default=50, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(600000)]),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('per_minute__gte', 1), ('per_minute__lte', 600000)), name='campaigns_account_per_minute_valid', violation_error_message='An account sends 1 to 600000 mails a minute.'),
        ),
    ]
