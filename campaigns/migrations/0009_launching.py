from django.conf import settings
from django.db import migrations, models


def moves(table):
    pairs = ", ".join(
        f"('{old}', '{new}')" for old, targets in table.items() for new in targets.split()
    )
    return f"""
DROP TRIGGER campaigns_campaign_moves ON campaigns_campaign;
CREATE TRIGGER campaigns_campaign_moves BEFORE UPDATE OF state ON campaigns_campaign
FOR EACH ROW WHEN (
    OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN ({pairs})
) EXECUTE FUNCTION campaigns_refuse_move();
"""


BEFORE = {
    "draft": "scheduled running cancelled",
    "scheduled": "draft running cancelled",
    "running": "paused finished cancelled",
    "paused": "running cancelled",
    "finished": "running",
}
NOW = {
    "draft": "scheduled launching cancelled",
    "scheduled": "draft overdue launching cancelled",
    "overdue": "draft launching cancelled",
    "launching": "running paused cancelled",
    "running": "paused finished cancelled",
    "paused": "running launching cancelled",
    "finished": "launching",
}
# No state of its own to go back to.
BACK = """
ALTER TABLE campaigns_campaign DISABLE TRIGGER campaigns_campaign_moves;
UPDATE campaigns_campaign SET state = 'draft' WHERE state IN ('overdue', 'launching');
ALTER TABLE campaigns_campaign ENABLE TRIGGER campaigns_campaign_moves;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0008_limits'),
        ('leads', '0009_fetch_purposes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='campaign',
            name='campaigns_campaign_state_valid',
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
            model_name='campaign',
            name='audience',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='campaign',
            name='consent_rule',
            field=models.CharField(choices=[('where_asked', 'where the law asks for it'), ('always', "everybody's"), ('never', "nobody's")], default='where_asked', help_text='Whose recorded consent a mail needs. This is no legal advice.', max_length=12, verbose_name='consent'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='freezing_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='frozen_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='is_growing',
            field=models.BooleanField(default=False, help_text='Takes in the leads that qualify by then once a day.', verbose_name='grows by itself'),
        ),
        migrations.AlterField(
            model_name='campaign',
            name='state',
            field=models.CharField(choices=[('draft', 'draft'), ('scheduled', 'scheduled'), ('overdue', 'overdue'), ('launching', 'launching'), ('running', 'running'), ('paused', 'paused'), ('finished', 'finished'), ('cancelled', 'cancelled')], default='draft', max_length=10),
        ),
        migrations.AlterField(
            model_name='email',
            name='reason',
            field=models.CharField(blank=True, choices=[('below_threshold', 'score below the threshold'), ('no_address', 'no e-mail address known'), ('invalid_address', 'the e-mail address is not valid'), ('suppressed', 'asked not to be written to'), ('no_demo', 'no published demo site'), ('no_consent', 'needs a consent that is not on file'), ('already_mailed', 'already written to'), ('campaign_cancelled', 'the campaign was cancelled'), ('replied', 'answered an earlier mail'), ('condition', "the step's condition did not hold"), ('stopped', 'the sequence had ended')], max_length=20),
        ),
        migrations.AlterField(
            model_name='recipient',
            name='reason',
            field=models.CharField(blank=True, choices=[('below_threshold', 'score below the threshold'), ('no_address', 'no e-mail address known'), ('invalid_address', 'the e-mail address is not valid'), ('suppressed', 'asked not to be written to'), ('no_demo', 'no published demo site'), ('no_consent', 'needs a consent that is not on file'), ('already_mailed', 'already written to'), ('campaign_cancelled', 'the campaign was cancelled'), ('replied', 'answered an earlier mail'), ('condition', "the step's condition did not hold"), ('stopped', 'the sequence had ended')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'scheduled', 'overdue', 'launching', 'running', 'paused', 'finished', 'cancelled'])), name='campaigns_campaign_state_valid'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('consent_rule__in', ['where_asked', 'always', 'never'])), name='campaigns_campaign_consent_valid'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'launching'), _negated=True), ('freezing_since__isnull', False), _connector='OR'), name='campaigns_campaign_freezing_valid'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason__in', ['below_threshold', 'no_address', 'invalid_address', 'suppressed', 'no_demo', 'no_consent', 'already_mailed', 'campaign_cancelled', 'replied', 'condition', 'stopped']), ('state', 'skipped')), models.Q(models.Q(('state', 'skipped'), _negated=True), ('reason', '')), _connector='OR'), name='campaigns_email_reason_valid', violation_error_message='A skipped mail, and only that, has a reason.'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), ('state', 'included'), models.Q(('address', ''), _negated=True)), models.Q(('reason__in', ['below_threshold', 'no_address', 'invalid_address', 'suppressed', 'no_demo', 'no_consent', 'already_mailed', 'campaign_cancelled', 'replied', 'condition', 'stopped']), ('state', 'skipped')), _connector='OR'), name='campaigns_recipient_state_valid', violation_error_message='A recipient is included with an address, or skipped with a reason.'),
        ),
        migrations.RunSQL(moves(NOW), BACK + moves(BEFORE)),
    ]
