"""Let facts refer to leads by statement and not by row: what many rows of one lead ask."""

import django.db.models.deletion
from django.db import migrations, models

# What a foreign key does, once per statement: the leads of new facts are locked against
# deletion until the commit, and one that isn't there refuses them. An array and not a
# join: the planner looks leads up in the index however old its statistics are.
_REFER = """
CREATE FUNCTION leads_leadfact_refer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    leads bigint[] := ARRAY(SELECT DISTINCT lead_id FROM told ORDER BY lead_id);
    found bigint;
BEGIN
    PERFORM FROM leads_lead WHERE id = ANY(leads) ORDER BY id FOR KEY SHARE;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found < cardinality(leads) THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'A fact names a lead that is not there: it may have been deleted.',
            TABLE = 'leads_leadfact', CONSTRAINT = 'leads_leadfact_lead_id_refers';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER leads_leadfact_refer_insert AFTER INSERT ON leads_leadfact
    REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION leads_leadfact_refer();
CREATE TRIGGER leads_leadfact_refer_update AFTER UPDATE ON leads_leadfact
    REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION leads_leadfact_refer();
"""
# Who deletes a lead has waited for those who were adding facts to it, and the statement
# below sees what they committed: nothing said of an erased person stays behind.
_FOLLOW = """
CREATE FUNCTION leads_leadfact_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM leads_leadfact WHERE lead_id = ANY(ARRAY(SELECT id FROM gone));
    RETURN NULL;
END $$;
CREATE TRIGGER leads_leadfact_follow AFTER DELETE ON leads_lead
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION leads_leadfact_follow();
"""


class Migration(migrations.Migration):
    """Exchange the foreign key of facts for triggers that see whole statements."""

    dependencies = [("leads", "0009_fetch_purposes")]

    operations = [
        migrations.AlterField(
            "leadfact",
            "lead",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="facts",
                to="leads.lead",
            ),
        ),
        migrations.RunSQL(
            _REFER,
            "DROP TRIGGER leads_leadfact_refer_insert ON leads_leadfact;"
            "DROP TRIGGER leads_leadfact_refer_update ON leads_leadfact;"
            "DROP FUNCTION leads_leadfact_refer();",
        ),
        migrations.RunSQL(
            _FOLLOW,
            "DROP TRIGGER leads_leadfact_follow ON leads_lead;"
            "DROP FUNCTION leads_leadfact_follow();",
        ),
    ]
