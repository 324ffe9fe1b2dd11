"""Fewer and smaller indexes of mails and recipients: each launch and attempt wrote all."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Drop what other indexes begin with, what nobody asks, and the NULLs of the rest."""

    dependencies = [
        ('campaigns', '0021_keep_template_versions'),
        ('leads', '0010_facts_of_a_lead'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='recipient',
            name='campaigns_recipient_uniq',
        ),
        migrations.RemoveConstraint(
            model_name='recipient',
            name='campaigns_recipient_address_uniq',
        ),
        migrations.RemoveIndex(
            model_name='email',
            name='campaigns_email_sent_idx',
        ),
        migrations.RemoveIndex(
            model_name='recipient',
            name='campaigns_recipient_to_idx',
        ),
        migrations.AlterField(
            model_name='email',
            name='campaign',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='emails', to='campaigns.campaign'),
        ),
        migrations.AlterField(
            model_name='email',
            name='message_id',
            field=models.CharField(blank=True, max_length=200, null=True),
        ),
        migrations.AlterField(
            model_name='email',
            name='request_key',
            field=models.CharField(blank=True, max_length=100, null=True),
        ),
        migrations.AlterField(
            model_name='email',
            name='template',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='emails', to='campaigns.template'),
        ),
        migrations.AlterField(
            model_name='email',
            name='variant',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='emails', to='campaigns.variant'),
        ),
        migrations.AlterField(
            model_name='recipient',
            name='campaign',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='recipients', to='campaigns.campaign'),
        ),
        migrations.AlterField(
            model_name='recipient',
            name='lead',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='recipients', to='leads.lead'),
        ),
        migrations.AddIndex(
            model_name='email',
            index=models.Index(condition=models.Q(('sent_at__isnull', False)), fields=['sent_at'], name='campaigns_email_sent_idx'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.UniqueConstraint(condition=models.Q(('message_id__isnull', False)), fields=('message_id',), name='campaigns_email_message_id_uniq'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.UniqueConstraint(condition=models.Q(('request_key__isnull', False)), fields=('request_key',), name='campaigns_email_request_uniq'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.UniqueConstraint(fields=('lead', 'campaign'), name='campaigns_recipient_uniq'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'included')), fields=('address', 'campaign'), name='campaigns_recipient_address_uniq'),
        ),
    ]
