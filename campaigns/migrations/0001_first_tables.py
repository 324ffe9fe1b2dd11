import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


REFUSE_OTHER_MOVES = """
CREATE FUNCTION campaigns_refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% % may not move from % to %', TG_TABLE_NAME, OLD.id, OLD.state, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER campaigns_email_moves BEFORE UPDATE OF state ON campaigns_email
FOR EACH ROW WHEN (
    OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
        ('waiting', 'sending'), ('waiting', 'skipped'),
        ('deferred', 'sending'), ('deferred', 'skipped'), ('deferred', 'failed'),
        ('sending', 'sent'), ('sending', 'deferred'), ('sending', 'failed'),
        ('sending', 'in_doubt'),
        ('in_doubt', 'sent'), ('in_doubt', 'failed'),
        ('failed', 'waiting')
    )
) EXECUTE FUNCTION campaigns_refuse_move();
CREATE TRIGGER campaigns_campaign_moves BEFORE UPDATE OF state ON campaigns_campaign
FOR EACH ROW WHEN (
    OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
        ('draft', 'scheduled'), ('draft', 'running'), ('draft', 'cancelled'),
        ('scheduled', 'draft'), ('scheduled', 'running'), ('scheduled', 'cancelled'),
        ('running', 'paused'), ('running', 'finished'), ('running', 'cancelled'),
        ('paused', 'running'), ('paused', 'cancelled'),
        ('finished', 'running')
    )
) EXECUTE FUNCTION campaigns_refuse_move();
"""
ALLOW_ALL_MOVES = """
DROP TRIGGER campaigns_campaign_moves ON campaigns_campaign;
DROP TRIGGER campaigns_email_moves ON campaigns_email;
DROP FUNCTION campaigns_refuse_move();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('leads', '0001_first_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='Template',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('subject', models.CharField(help_text='Liquid: A new site for {{ lead.name }}', max_length=300)),
                ('body_html', models.TextField(help_text="Liquid. Fields: lead.name, lead.city and so on, demo.url, sender.name, unsubscribe_url. Give fields that may be blank a fallback: {{ lead.city | default: 'your town' }}.", verbose_name='HTML body')),
                ('body_text', models.TextField(blank=True, help_text='Made from the HTML body when left blank.', verbose_name='text body')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('from_name', models.CharField(max_length=100, validators=[django.core.validators.RegexValidator('^[^\\x00-\\x1f\\x7f]*$', 'Write it on one line.')])),
                ('from_address', models.EmailField(max_length=254)),
                ('reply_to', models.EmailField(blank=True, max_length=254)),
                ('postal_address', models.CharField(help_text='Stands under every mail; the law asks for it (CAN-SPAM).', max_length=300)),
                ('smtp_host', models.CharField(max_length=253)),
                ('smtp_port', models.PositiveIntegerField(default=587, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(65535)])),
                ('security', models.CharField(choices=[('none', 'none (this machine or a private network only)'), ('starttls', 'STARTTLS'), ('tls', 'TLS')], default='starttls', max_length=10)),
                ('username', models.CharField(blank=True, max_length=254)),
                ('password_sealed', models.TextField(blank=True, editable=False)),
                ('per_minute', models.PositiveIntegerField(default=50, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(6000)])),
                ('is_enabled', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.CheckConstraint(condition=models.Q(('security__in', ['none', 'starttls', 'tls'])), name='campaigns_account_security_valid'), models.CheckConstraint(condition=models.Q(('per_minute__gte', 1), ('per_minute__lte', 6000)), name='campaigns_account_per_minute_valid', violation_error_message='An account sends 1 to 6000 mails a minute.'), models.CheckConstraint(condition=models.Q(('smtp_port__gte', 1), ('smtp_port__lte', 65535)), name='campaigns_account_smtp_port_valid', violation_error_message='A port lies between 1 and 65535.')],
            },
        ),
        migrations.CreateModel(
            name='Campaign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=150, unique=True)),
                ('min_score', models.PositiveSmallIntegerField(blank=True, help_text='Leads from this score on; blank takes QUALIFYING_SCORE.', null=True)),
                ('quiet_days', models.PositiveSmallIntegerField(default=30, help_text='Nobody gets a mail whom another campaign wrote to within so many days.')),
                ('state', models.CharField(choices=[('draft', 'draft'), ('scheduled', 'scheduled'), ('running', 'running'), ('paused', 'paused'), ('finished', 'finished'), ('cancelled', 'cancelled')], default='draft', max_length=10)),
                ('state_reason', models.TextField(blank=True)),
                ('scheduled_at', models.DateTimeField(blank=True, null=True)),
                ('launched_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('figures', models.JSONField(blank=True, default=dict)),
                ('figures_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='campaigns.account')),
                ('template', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='campaigns.template')),
            ],
            options={
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='Recipient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(blank=True, max_length=254)),
                ('state', models.CharField(choices=[('included', 'included'), ('skipped', 'skipped')], max_length=10)),
                ('reason', models.CharField(blank=True, choices=[('below_threshold', 'score below the threshold'), ('no_address', 'no e-mail address known'), ('invalid_address', 'the e-mail address is not valid'), ('suppressed', 'asked not to be written to'), ('no_demo', 'no published demo site'), ('already_mailed', 'already written to'), ('campaign_cancelled', 'the campaign was cancelled')], max_length=20)),
                ('detail', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recipients', to='campaigns.campaign')),
                ('lead', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recipients', to='leads.lead')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='SinkMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('envelope_from', models.CharField(blank=True, max_length=320)),
                ('to', models.CharField(max_length=320)),
                ('from_header', models.CharField(blank=True, max_length=500, verbose_name='from')),
                ('subject', models.CharField(blank=True, max_length=500)),
                ('message_id', models.CharField(blank=True, max_length=300)),
                ('raw', models.BinaryField()),
                ('received_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'inbox (test mail)',
                'ordering': ['-received_at'],
                'indexes': [models.Index(fields=['-received_at'], name='campaigns_sink_received_idx'), models.Index(fields=['message_id'], name='campaigns_sink_message_idx')],
            },
        ),
        migrations.CreateModel(
            name='Email',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('campaign', 'campaign'), ('single', 'single'), ('test', 'test')], default='campaign', max_length=10)),
                ('step', models.PositiveSmallIntegerField(default=1)),
                ('address', models.CharField(max_length=254)),
                ('request_key', models.CharField(blank=True, max_length=100, null=True, unique=True)),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('sending', 'sending'), ('sent', 'sent'), ('deferred', 'deferred'), ('failed', 'failed'), ('in_doubt', 'in doubt'), ('skipped', 'skipped')], default='waiting', max_length=10)),
                ('reason', models.CharField(blank=True, choices=[('below_threshold', 'score below the threshold'), ('no_address', 'no e-mail address known'), ('invalid_address', 'the e-mail address is not valid'), ('suppressed', 'asked not to be written to'), ('no_demo', 'no published demo site'), ('already_mailed', 'already written to'), ('campaign_cancelled', 'the campaign was cancelled')], max_length=20)),
                ('detail', models.TextField(blank=True)),
                ('message_id', models.CharField(blank=True, max_length=200, null=True, unique=True)),
                ('subject', models.CharField(blank=True, max_length=400)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('task_id', models.UUIDField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('claimed_at', models.DateTimeField(blank=True, null=True)),
                ('data_started_at', models.DateTimeField(blank=True, null=True)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='emails', to='campaigns.account')),
                ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='emails', to='campaigns.campaign')),
                ('lead', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='emails', to='leads.lead')),
                ('recipient', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='emails', to='campaigns.recipient')),
                ('template', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='emails', to='campaigns.template')),
            ],
            options={
                'verbose_name': 'e-mail',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='TrackingEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('open', 'opened'), ('click', 'clicked'), ('unsubscribe', 'unsubscribed')], max_length=12)),
                ('url', models.CharField(blank=True, max_length=2000)),
                ('user_agent', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('email', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='campaigns.email')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='DailyFigures',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('sent', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
                ('in_doubt', models.PositiveIntegerField(default=0)),
                ('opened', models.PositiveIntegerField(default=0)),
                ('clicked', models.PositiveIntegerField(default=0)),
                ('unsubscribed', models.PositiveIntegerField(default=0)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='daily_figures', to='campaigns.campaign')),
            ],
            options={
                'verbose_name_plural': 'daily figures',
                'ordering': ['-day'],
                'constraints': [models.UniqueConstraint(fields=('day', 'campaign'), name='campaigns_dailyfigures_uniq')],
            },
        ),
        migrations.AddIndex(
            model_name='recipient',
            index=models.Index(fields=['campaign', 'state', 'reason'], name='campaigns_recipient_reason_idx'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.UniqueConstraint(fields=('campaign', 'lead'), name='campaigns_recipient_uniq'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'included')), fields=('campaign', 'address'), name='campaigns_recipient_address_uniq'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), ('state', 'included'), models.Q(('address', ''), _negated=True)), models.Q(('reason__in', ['below_threshold', 'no_address', 'invalid_address', 'suppressed', 'no_demo', 'already_mailed', 'campaign_cancelled']), ('state', 'skipped')), _connector='OR'), name='campaigns_recipient_state_valid', violation_error_message='A recipient is included with an address, or skipped with a reason.'),
        ),
        migrations.AddIndex(
            model_name='email',
            index=models.Index(condition=models.Q(('state__in', ('waiting', 'sending', 'deferred'))), fields=['campaign', 'id'], name='campaigns_email_open_idx'),
        ),
        migrations.AddIndex(
            model_name='email',
            index=models.Index(fields=['address', 'claimed_at'], name='campaigns_email_address_idx'),
        ),
        migrations.AddIndex(
            model_name='email',
            index=models.Index(condition=models.Q(('state__in', ('waiting', 'sending', 'deferred'))), fields=['state', 'claimed_at'], name='campaigns_email_sweep_idx'),
        ),
        migrations.AddIndex(
            model_name='email',
            index=models.Index(fields=['sent_at'], name='campaigns_email_sent_idx'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.UniqueConstraint(fields=('campaign', 'step', 'address'), name='campaigns_email_uniq'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'sending', 'sent', 'deferred', 'failed', 'in_doubt', 'skipped'])), name='campaigns_email_state_valid'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('campaign__isnull', False), ('kind', 'campaign')), models.Q(('campaign__isnull', True), ('kind__in', ['single', 'test'])), _connector='OR'), name='campaigns_email_kind_valid', violation_error_message="A campaign's mail names its campaign."),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason__in', ['below_threshold', 'no_address', 'invalid_address', 'suppressed', 'no_demo', 'already_mailed', 'campaign_cancelled']), ('state', 'skipped')), models.Q(models.Q(('state', 'skipped'), _negated=True), ('reason', '')), _connector='OR'), name='campaigns_email_reason_valid', violation_error_message='A skipped mail, and only that, has a reason.'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['sending', 'sent', 'in_doubt']), _negated=True), models.Q(('claimed_at__isnull', False), ('message_id__isnull', False)), _connector='OR'), name='campaigns_email_claim_valid'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'sent'), _negated=True), ('sent_at__isnull', False), _connector='OR'), name='campaigns_email_sent_valid'),
        ),
        migrations.AddConstraint(
            model_name='email',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'in_doubt'), _negated=True), ('data_started_at__isnull', False), _connector='OR'), name='campaigns_email_in_doubt_valid'),
        ),
        migrations.AddIndex(
            model_name='campaign',
            index=models.Index(condition=models.Q(('state__in', ['scheduled', 'running'])), fields=['state', 'scheduled_at'], name='campaigns_campaign_live_idx'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'scheduled', 'running', 'paused', 'finished', 'cancelled'])), name='campaigns_campaign_state_valid'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'scheduled'), _negated=True), ('scheduled_at__isnull', False), _connector='OR'), name='campaigns_campaign_scheduled_valid', violation_error_message='A scheduled campaign has a time.'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('min_score__isnull', True), ('min_score__lte', 100), _connector='OR'), name='campaigns_campaign_min_score_valid', violation_error_message='A score lies between 0 and 100.'),
        ),
        migrations.AddIndex(
            model_name='trackingevent',
            index=models.Index(fields=['email', 'kind'], name='campaigns_tracking_email_idx'),
        ),
        migrations.AddIndex(
            model_name='trackingevent',
            index=models.Index(fields=['created_at'], name='campaigns_tracking_day_idx'),
        ),
        migrations.AddConstraint(
            model_name='trackingevent',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['open', 'click', 'unsubscribe'])), name='campaigns_trackingevent_kind_valid'),
        ),
        migrations.RunSQL(REFUSE_OTHER_MOVES, ALLOW_ALL_MOVES),
    ]
