import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models


FIRST_MAILS_TO_STEPS = """
INSERT INTO campaigns_step
    (campaign_id, number, template_id, wait_days, wait_hours, condition, in_thread)
SELECT id, 1, template_id, 0, 0, 'no_reply', true FROM campaigns_campaign;
-- Rows written here have deferred checks pending; the column goes next.
SET CONSTRAINTS ALL IMMEDIATE;
"""
STEPS_TO_FIRST_MAILS = """
UPDATE campaigns_campaign SET template_id = step.template_id
FROM campaigns_step AS step
WHERE step.campaign_id = campaigns_campaign.id AND step.number = 1;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0003_reading_mailboxes'),
        ('leads', '0007_sources'),
    ]

    operations = [
        migrations.CreateModel(
            name='Step',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(default=1, validators=[django.core.validators.MinValueValidator(1)])),
                ('wait_days', models.PositiveSmallIntegerField(default=0, help_text='After the step before was sent.')),
                ('wait_hours', models.PositiveSmallIntegerField(default=0)),
                ('condition', models.CharField(choices=[('no_reply', 'no reply so far'), ('opened', 'opened a mail'), ('not_opened', 'opened none'), ('clicked', 'clicked a link'), ('not_clicked', 'clicked none'), ('demo_watched', 'looked at the demo'), ('demo_not_watched', 'did not look at the demo')], default='no_reply', help_text='A reply, a bounce or a refusal always ends the sequence.', max_length=20)),
                ('in_thread', models.BooleanField(default=True, help_text="Answers the mail before as 'Re: …'; else its own subject stands.", verbose_name='same thread')),
            ],
            options={
                'ordering': ['campaign', 'number'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='email',
            name='campaigns_email_reason_valid',
        ),
        migrations.RemoveConstraint(
            model_name='recipient',
            name='campaigns_recipient_state_valid',
        ),
        migrations.AddField(
            model_name='email',
            name='due_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='email',
            name='is_followed',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='recipient',
            name='stop_reason',
            field=models.CharField(blank=True, choices=[('replied', 'replied'), ('bounced', 'the address does not work'), ('complained', 'complained'), ('unsubscribed', 'asked not to be written to'), ('by_hand', 'stopped by a person')], max_length=12),
        ),
        migrations.AddField(
            model_name='recipient',
            name='stopped_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='email',
            name='reason',
            field=models.CharField(blank=True, choices=[('below_threshold', 'score below the threshold'), ('no_address', 'no e-mail address known'), ('invalid_address', 'the e-mail address is not valid'), ('suppressed', 'asked not to be written to'), ('no_demo', 'no published demo site'), ('already_mailed', 'already written to'), ('campaign_cancelled', 'the campaign was cancelled'), ('replied', 'answered an earlier mail'), ('condition', "the step's condition did not hold"), ('stopped', 'the sequence had ended')], max_length=20),
        ),
        migrations.AlterField(
            model_name='recipient',
            name='reason',
            field=models.CharField(blank=True, choices=[('below_threshold', 'score below the threshold'), ('no_address', 'no e-mail address known'), ('invalid_address', 'the e-mail address is not valid'), ('suppressed', 'asked not to be written to'), ('no_demo', 'no published demo site'), ('already_mailed', 'already written to'), ('campaign_cancelled', 'the campaign was cancelled'), ('replied', 'answered an earlier mail'), ('condition', "the step's condition did not hold"), ('stopped', 'the sequence had ended')], max_length=20),
        ),
        migrations.AddIndex(
            model_name='email',
            index=models.Index(models.F('campaign'), models.F('step'), django.db.models.functions.comparison.Coalesce('sent_at', 'data_started_at', 'due_at'), condition=models.Q(('is_followed', False), models.Q(('state__in', ('sent', 'in_doubt')), models.Q(('reason', 'condition'), ('state', 'skipped')), _connector='OR')), name='campaigns_email_follow_idx'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason__in', ['below_threshold', 'no_address', 'invalid_address', 'suppressed', 'no_demo', 'already_mailed', 'campaign_cancelled', 'replied', 'condition', 'stopped']), ('state', 'skipped')), models.Q(models.Q(('state', 'skipped'), _negated=True), ('reason', '')), _connector='OR'), name='campaigns_email_reason_valid', violation_error_message='A skipped mail, and only that, has a reason.'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason', 'condition'), _negated=True), ('due_at__isnull', False), _connector='OR'), name='campaigns_email_passed_valid'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), ('state', 'included'), models.Q(('address', ''), _negated=True)), models.Q(('reason__in', ['below_threshold', 'no_address', 'invalid_address', 'suppressed', 'no_demo', 'already_mailed', 'campaign_cancelled', 'replied', 'condition', 'stopped']), ('state', 'skipped')), _connector='OR'), name='campaigns_recipient_state_valid', violation_error_message='A recipient is included with an address, or skipped with a reason.'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('stop_reason', ''), ('stopped_at__isnull', True)), models.Q(('stop_reason__in', ['replied', 'bounced', 'complained', 'unsubscribed', 'by_hand']), ('stopped_at__isnull', False)), _connector='OR'), name='campaigns_recipient_stop_valid', violation_error_message='A stopped recipient has a reason and a time.'),
        ),
        migrations.AddField(
            model_name='step',
            name='campaign',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='campaigns.campaign'),
        ),
        migrations.AddField(
            model_name='step',
            name='template',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='campaigns.template'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.UniqueConstraint(fields=('campaign', 'number'), name='campaigns_step_uniq', violation_error_message='Each step of a campaign has its own number.'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.CheckConstraint(condition=models.Q(('condition__in', ['no_reply', 'opened', 'not_opened', 'clicked', 'not_clicked', 'demo_watched', 'demo_not_watched'])), name='campaigns_step_condition_valid'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.CheckConstraint(condition=models.Q(('number__gt', 1), models.Q(('condition', 'no_reply'), ('number', 1), ('wait_days', 0), ('wait_hours', 0)), _connector='OR'), name='campaigns_step_first_valid', violation_error_message='The first mail waits for nothing and has no condition.'),
        ),
        migrations.AddIndex(
            model_name='recipient',
            index=models.Index(condition=models.Q(('state', 'included')), fields=['address'], name='campaigns_recipient_to_idx'),
        ),
        # Nullable first: on the way back the column comes empty and is filled then.
        migrations.AlterField(
            model_name='campaign',
            name='template',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='campaigns.template'),
        ),
        migrations.RunSQL(FIRST_MAILS_TO_STEPS, STEPS_TO_FIRST_MAILS),
        migrations.RemoveField(
            model_name='campaign',
            name='template',
        ),
    ]
