"""Let facts and keys refer to leads by statement and not by row: many rows ask of one."""

import django.db.models.deletion
from django.db import migrations, models

# What a foreign key does, once per statement: the leads of new rows are locked against
# deletion until the commit, and one that isn't there refuses them. The plan is kept by the
# session: one made while the table was small would read all of it for ever, so both
# functions always take the index.
_REFER = """
CREATE FUNCTION leads_refer() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    leads bigint[] := ARRAY(SELECT DISTINCT lead_id FROM told ORDER BY lead_id);
    found bigint;
BEGIN
    PERFORM FROM leads_lead WHERE id = ANY(leads) ORDER BY id FOR KEY SHARE;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found < cardinality(leads) THEN
        RAISE foreign_key_violation USING
            MESSAGE = format(
                'A row of %s names a lead that is not there: it may have been deleted.',
                TG_TABLE_NAME
            ),
            TABLE = TG_TABLE_NAME, CONSTRAINT = TG_TABLE_NAME || '_lead_id_refers';
    END IF;
    RETURN NULL;
END $$;
"""
_TRIGGERS = """
CREATE TRIGGER {table}_refer_insert AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION leads_refer();
CREATE TRIGGER {table}_refer_update AFTER UPDATE ON {table}
    REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION leads_refer();
"""
# Who deletes a lead has waited for those who were adding to it, and these statements see
# what they committed: nothing said of an erased person stays behind.
_FOLLOW = """
CREATE FUNCTION leads_follow() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM leads_leadfact WHERE lead_id = ANY(ARRAY(SELECT id FROM gone));
    DELETE FROM leads_leadkey WHERE lead_id = ANY(ARRAY(SELECT id FROM gone));
    RETURN NULL;
END $$;
CREATE TRIGGER leads_lead_follow AFTER DELETE ON leads_lead
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION leads_follow();
"""
_TABLES = ("leads_leadfact", "leads_leadkey")


def _to_lead(name: str, *, db_index: bool) -> models.Field:
    return models.ForeignKey(
        db_constraint=False,
        db_index=db_index,
        on_delete=django.db.models.deletion.CASCADE,
        related_name=name,
        to="leads.lead",
    )


class Migration(migrations.Migration):
    """Exchange foreign keys for triggers that see whole statements."""

    dependencies = [("leads", "0009_fetch_purposes")]

    operations = [
        migrations.AlterField("leadfact", "lead", _to_lead("facts", db_index=False)),
        migrations.AlterField("leadkey", "lead", _to_lead("keys", db_index=True)),
        migrations.RunSQL(_REFER, "DROP FUNCTION leads_refer()"),
        *(
            migrations.RunSQL(
                _TRIGGERS.format(table=table),
                f"DROP TRIGGER {table}_refer_insert ON {table};"
                f"DROP TRIGGER {table}_refer_update ON {table};",
            )
            for table in _TABLES
        ),
        migrations.RunSQL(
            _FOLLOW,
            "DROP TRIGGER leads_lead_follow ON leads_lead; DROP FUNCTION leads_follow();",
        ),
    ]
