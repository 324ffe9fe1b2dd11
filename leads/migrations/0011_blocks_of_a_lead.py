"""Let blocks refer to leads by statement and not by row, as facts do since 0010."""

import django.db.models.deletion
from django.db import migrations, models

_TRIGGERS = """
CREATE TRIGGER leads_leadblock_refer_insert AFTER INSERT ON leads_leadblock
    REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION leads_refer();
CREATE TRIGGER leads_leadblock_refer_update AFTER UPDATE ON leads_leadblock
    REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION leads_refer();
"""
_FOLLOW = """
CREATE OR REPLACE FUNCTION leads_follow() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM leads_leadfact WHERE lead_id = ANY(ARRAY(SELECT id FROM gone));
    DELETE FROM leads_leadkey WHERE lead_id = ANY(ARRAY(SELECT id FROM gone));
    {blocks}
    RETURN NULL;
END $$;
"""
_BLOCKS = "DELETE FROM leads_leadblock WHERE lead_id = ANY(ARRAY(SELECT id FROM gone));"


class Migration(migrations.Migration):
    """Exchange the foreign key of blocks for the triggers that facts have."""

    dependencies = [("leads", "0010_facts_of_a_lead")]

    operations = [
        migrations.AlterField(
            "leadblock",
            "lead",
            models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="blocks",
                to="leads.lead",
            ),
        ),
        migrations.RunSQL(
            _TRIGGERS,
            "DROP TRIGGER leads_leadblock_refer_insert ON leads_leadblock;"
            "DROP TRIGGER leads_leadblock_refer_update ON leads_leadblock;",
        ),
        migrations.RunSQL(_FOLLOW.format(blocks=_BLOCKS), _FOLLOW.format(blocks="")),
    ]
