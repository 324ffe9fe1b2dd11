"""Sources: recurring scrapes, notices, cursors, attribution, whom a lead seeks."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0006_law'),
        ('tasks', '0011_archive'),
    ]

    operations = [
        migrations.CreateModel(
            name='RecurringScrape',
            fields=[
            ],
            options={
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('tasks.schedule',),
        ),
        migrations.AddField(
            model_name='lead',
            name='hiring',
            field=models.TextField(blank=True, help_text='Whom it seeks, as its own job adverts say.'),
        ),
        migrations.AddField(
            model_name='posting',
            name='attribution',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='scrapejob',
            name='cursor',
            field=models.JSONField(default=dict),
        ),
        migrations.CreateModel(
            name='SourceNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=30)),
                ('kind', models.CharField(choices=[('stalled', 'stalled'), ('blocked', 'blocked'), ('drifting', 'drifting')], max_length=10)),
                ('reason', models.TextField()),
                ('noticed_at', models.DateTimeField(auto_now_add=True)),
                ('seen_at', models.DateTimeField(auto_now=True)),
                ('cleared_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['-noticed_at'], name='leads_sourcenotice_noticed_idx')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('cleared_at__isnull', True)), fields=('source', 'kind'), name='leads_sourcenotice_open_uniq')],
            },
        ),
    ]
