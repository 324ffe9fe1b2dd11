from django.db import migrations, models


# Partitioned by month; `tasks.archiving` makes the months and drops them again. Indexes
# on the whole become indexes of every month.
PARTITIONED = """
CREATE TABLE tasks_archivedtask (
    id uuid NOT NULL,
    actor varchar(100) NOT NULL,
    queue varchar(50) NOT NULL,
    state varchar(10) NOT NULL,
    attempt smallint NOT NULL,
    failures smallint NOT NULL,
    rescues smallint NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz NOT NULL,
    error_class varchar(200) NOT NULL,
    error_message text NOT NULL,
    unique_key varchar(200),
    parent_id uuid,
    root_id uuid,
    PRIMARY KEY (id, finished_at)
) PARTITION BY RANGE (finished_at);
CREATE INDEX tasks_archive_finished_idx ON tasks_archivedtask (finished_at DESC);
CREATE INDEX tasks_archive_actor_idx ON tasks_archivedtask (actor, finished_at DESC);
CREATE INDEX tasks_archive_state_idx ON tasks_archivedtask (state, finished_at DESC)
    WHERE state <> 'succeeded';
"""


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0010_tallies'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(PARTITIONED, "DROP TABLE tasks_archivedtask"),
            ],
            state_operations=[
                migrations.CreateModel(
                    name='ArchivedTask',
                    fields=[
                        ('id', models.UUIDField(primary_key=True, serialize=False)),
                        ('actor', models.CharField(max_length=100)),
                        ('queue', models.CharField(max_length=50)),
                        ('state', models.CharField(choices=[('scheduled', 'Scheduled'), ('queued', 'Queued'), ('running', 'Running'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], max_length=10)),
                        ('attempt', models.SmallIntegerField(verbose_name='attempts')),
                        ('failures', models.SmallIntegerField()),
                        ('rescues', models.SmallIntegerField()),
                        ('created_at', models.DateTimeField()),
                        ('started_at', models.DateTimeField(null=True, verbose_name='last begun at')),
                        ('finished_at', models.DateTimeField()),
                        ('error_class', models.CharField(blank=True, max_length=200)),
                        ('error_message', models.TextField(blank=True)),
                        ('unique_key', models.CharField(max_length=200, null=True)),
                        ('parent_id', models.UUIDField(null=True)),
                        ('root_id', models.UUIDField(null=True)),
                    ],
                    options={
                        'ordering': ['-finished_at'],
                    },
                ),
                migrations.AddIndex(
                    model_name='archivedtask',
                    index=models.Index(models.OrderBy(models.F('finished_at'), descending=True), name='tasks_archive_finished_idx'),
                ),
                migrations.AddIndex(
                    model_name='archivedtask',
                    index=models.Index(models.F('actor'), models.OrderBy(models.F('finished_at'), descending=True), name='tasks_archive_actor_idx'),
                ),
                migrations.AddIndex(
                    model_name='archivedtask',
                    index=models.Index(models.F('state'), models.OrderBy(models.F('finished_at'), descending=True), condition=models.Q(('state', 'succeeded'), _negated=True), name='tasks_archive_state_idx'),
                ),
            ],
        ),
        migrations.RemoveIndex(
            model_name='task',
            name='tasks_task_finished_idx',
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('state__in', ('succeeded', 'failed', 'cancelled'))), fields=['state', 'finished_at'], name='tasks_task_finished_idx'),
        ),
    ]
