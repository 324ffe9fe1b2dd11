import django.db.models.functions.datetime
from django.db import migrations, models


# One function for both, so that a task that nobody waits for and nothing follows costs
# the trigger's WHEN clause alone.
TELL_ENDS = """
CREATE FUNCTION tasks_task_tell_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.is_followed THEN
        INSERT INTO tasks_end (task_id, state) VALUES (NEW.id, NEW.state);
    END IF;
    IF NEW.is_awaited THEN
        PERFORM pg_notify('tasks_wake', 'task:' || NEW.id);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER tasks_task_end ON tasks_task;
CREATE TRIGGER tasks_task_end AFTER UPDATE OF state ON tasks_task
FOR EACH ROW WHEN (
    (NEW.is_awaited OR NEW.is_followed) AND OLD.state <> NEW.state
    AND NEW.state IN ('succeeded', 'failed', 'cancelled')
) EXECUTE FUNCTION tasks_task_tell_end();
DROP FUNCTION tasks_task_notify_end();
"""
NOTIFY_ENDS = """
CREATE FUNCTION tasks_task_notify_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tasks_wake', 'task:' || NEW.id);
    RETURN NULL;
END $$;
DROP TRIGGER tasks_task_end ON tasks_task;
CREATE TRIGGER tasks_task_end AFTER UPDATE OF state ON tasks_task
FOR EACH ROW WHEN (
    NEW.is_awaited AND OLD.state <> NEW.state
    AND NEW.state IN ('succeeded', 'failed', 'cancelled')
) EXECUTE FUNCTION tasks_task_notify_end();
DROP FUNCTION tasks_task_tell_end();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0005_worker_requests'),
    ]

    operations = [
        migrations.CreateModel(
            name='End',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('task_id', models.UUIDField()),
                ('state', models.CharField(choices=[('scheduled', 'Scheduled'), ('queued', 'Queued'), ('running', 'Running'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], max_length=10)),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('tries', models.SmallIntegerField(db_default=0, default=0)),
            ],
            options={
                'indexes': [models.Index(fields=['due_at', 'id'], name='tasks_end_due_idx')],
            },
        ),
        migrations.AddField(
            model_name='task',
            name='is_followed',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RunSQL(TELL_ENDS, NOTIFY_ENDS),
    ]
