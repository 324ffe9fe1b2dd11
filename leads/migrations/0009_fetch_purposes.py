"""Fetches: what was asked for, and the redirects on the way."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0008_lighter_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='fetch',
            name='purpose',
            field=models.CharField(choices=[('page', 'page'), ('robots', 'robots.txt'), ('interface', 'interface')], default='page', max_length=10),
        ),
        migrations.AddField(
            model_name='fetch',
            name='redirects',
            field=models.JSONField(default=list),
        ),
    ]
