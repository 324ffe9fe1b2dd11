import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0014_find_rare_mails'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Variant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.PositiveSmallIntegerField(default=1, validators=[django.core.validators.MinValueValidator(1)])),
                ('label', models.CharField(help_text='A, B, short, long …', max_length=20)),
                ('weight', models.PositiveSmallIntegerField(default=1, help_text='Its share of mails not written yet; 0 takes it out. Whoever has a mail keeps its variant.', validators=[django.core.validators.MaxValueValidator(1000)])),
                ('subject', models.CharField(blank=True, help_text="In place of the template's; Liquid.", max_length=300)),
                ('send_hour', models.PositiveSmallIntegerField(blank=True, help_text="From this hour on, by the recipient's clock.", null=True, validators=[django.core.validators.MaxValueValidator(23)])),
            ],
            options={
                'ordering': ['campaign', 'step', 'id'],
            },
        ),
        migrations.AddField(
            model_name='campaign',
            name='by_recipients_clock',
            field=models.BooleanField(default=True, help_text="Windows count in the recipient's time zone; else in the account's.", verbose_name="by the recipient's clock"),
        ),
        migrations.AddField(
            model_name='campaign',
            name='send_windows',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='campaign',
            name='split_adapts',
            field=models.BooleanField(default=False, help_text='Thompson sampling: new mails go to variants as they are likely best.', verbose_name='favour what works'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='split_decides',
            field=models.BooleanField(default=True, verbose_name='choose winners by itself'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='split_hours',
            field=models.PositiveSmallIntegerField(default=72, help_text='A mail counts in a split test when it is older than this.', verbose_name='hours to answer'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='split_metric',
            field=models.CharField(choices=[('reply', 'replies'), ('click', 'clicks'), ('demo_view', 'views of the demo'), ('no_bounce', 'mails that did not bounce')], default='reply', max_length=10, verbose_name='winner by'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='split_sample',
            field=models.PositiveIntegerField(blank=True, help_text='Before a winner is called; blank takes 764, which tells 3 % from 6 %.', null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='mails per variant'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='split_threshold',
            field=models.FloatField(default=0.95, help_text='The probability to be best at which a variant wins.', validators=[django.core.validators.MinValueValidator(0.5), django.core.validators.MaxValueValidator(0.9999)], verbose_name='certainty asked for'),
        ),
        migrations.AddField(
            model_name='recipient',
            name='time_zone',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='step',
            name='winner_reason',
            field=models.TextField(blank=True, editable=False),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('split_metric__in', ['reply', 'click', 'demo_view', 'no_bounce']), ('split_threshold__gte', 0.5), ('split_threshold__lt', 1)), name='campaigns_campaign_split_valid', violation_error_message='A certainty lies between 0.5 and 0.9999.'),
        ),
        migrations.AddField(
            model_name='variant',
            name='account',
            field=models.ForeignKey(blank=True, help_text='Of a first mail; follow-ups keep the account that wrote first.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='variants', to='campaigns.account'),
        ),
        migrations.AddField(
            model_name='variant',
            name='campaign',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='variants', to='campaigns.campaign'),
        ),
        migrations.AddField(
            model_name='variant',
            name='template',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='variants', to='campaigns.template'),
        ),
        migrations.AddField(
            model_name='email',
            name='variant',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='emails', to='campaigns.variant'),
        ),
        migrations.AddField(
            model_name='step',
            name='winner',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.variant'),
        ),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.UniqueConstraint(fields=('campaign', 'step', 'label'), name='campaigns_variant_uniq', violation_error_message='Each variant of a step has its own label.'),
        ),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.CheckConstraint(condition=models.Q(('step__gte', 1), ('weight__lte', 1000), models.Q(('send_hour__isnull', True), ('send_hour__lte', 23), _connector='OR')), name='campaigns_variant_valid', violation_error_message='Weights end at 1000, hours at 23.'),
        ),
    ]
