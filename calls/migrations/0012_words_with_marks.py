"""PostgreSQL finds words and filters together, and walks along any order without reading the calls.

A word of one call in a hundred, one agent and “interrupted”, by length: each of them names thousands of calls, and no index had
two of them. So beside the words of a transcript stand marks of its call (`=a12`: agent 12; no word begins with “=”), kept by
triggers, and the index of words answers for the filters too. And the indexes of the orders hold what calls are narrowed by, so that
those that are left out need not be fetched to know it.

Calls that did not just end have two small indexes of their own. Failed ones are short and refused ones have no delay, which no
statistics tell: PostgreSQL looked for the longest failed call among the longest of all, and walked past a million.

Not among the indexes of the model, because SQLite has no INCLUDE and would warn of it.
"""

from django.db import migrations

NARROWED_BY = [
    *("agent_id", "number_id", "carrier", "voice", "revision", "status", "duration_ms", "delay_ms", "caller"),
    *("interruption_count", "refusal_count", "false_stop_count", "label_count"),
]
ORDERS = {
    "call_by_length": "(COALESCE(duration_ms, 0)) DESC, rang_at DESC, id DESC",
    "call_by_delay": "(COALESCE(delay_ms, 0)) DESC, rang_at DESC, id DESC",
    "call_by_interruptions": "interruption_count DESC, rang_at DESC, id DESC",
    "call_by_false_stops": "false_stop_count DESC, rang_at DESC, id DESC",
    "call_by_time": "rang_at DESC, id DESC",
}
UNUSUAL = {"call_unusual_by_length": ORDERS["call_by_length"], "call_unusual_by_delay": ORDERS["call_by_delay"]}
COVERING = f"ON calls_call ({{by}}) INCLUDE ({', '.join(NARROWED_BY)})"
WORDS = r"to_tsvector('simple', replace({text}, E'\n', ' qxqendqxq '))"
INDEX_OF_WORDS = "CREATE INDEX transcript_vector ON calls_transcript USING gin (vector)"
# What calls.search.marks asks for. A number that is none gives no mark.
MARKS = """CREATE FUNCTION call_marks(c calls_call) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT array_remove(ARRAY['=a' || c.agent_id, '=n' || c.number_id, '=c' || c.carrier, '=v' || c.voice, '=r' || c.revision,
    '=s' || c.status, CASE WHEN c.interruption_count > 0 THEN '=i' END, CASE WHEN c.false_stop_count > 0 THEN '=f' END,
    CASE WHEN c.refusal_count > 0 THEN '=w' END, CASE WHEN c.label_count > 0 THEN '=l' END], NULL)
$$"""
TRIGGERS = [
    # The lock: a call that changes at the same time waits, and then finds the transcript. Who stores words has locked it already.
    f"""CREATE FUNCTION transcript_words() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  marks text[];
BEGIN
  SELECT call_marks(c) INTO marks FROM calls_call c WHERE c.id = NEW.call_id FOR SHARE;
  NEW.vector := {WORDS.format(text="NEW.text")} || array_to_tsvector(coalesce(marks, '{{}}'));
  RETURN NEW;
END $$""",
    """CREATE TRIGGER transcript_words BEFORE INSERT OR UPDATE OF text, call_id ON calls_transcript
  FOR EACH ROW EXECUTE FUNCTION transcript_words()""",
    """CREATE FUNCTION call_marks_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE calls_transcript SET vector = ts_delete(vector, call_marks(OLD)) || array_to_tsvector(call_marks(NEW))
    WHERE call_id = NEW.id;
  RETURN NULL;
END $$""",
    """CREATE TRIGGER call_marks_changed AFTER UPDATE OF agent_id, number_id, carrier, voice, revision, status, interruption_count,
  false_stop_count, refusal_count, label_count ON calls_call
  FOR EACH ROW WHEN (call_marks(OLD) IS DISTINCT FROM call_marks(NEW)) EXECUTE FUNCTION call_marks_changed()""",
]
FORWARDS = [
    *(f"DROP INDEX IF EXISTS {name}" for name in ORDERS),
    *(f"CREATE INDEX {name} {COVERING.format(by=by)}" for name, by in ORDERS.items()),
    *(f"CREATE INDEX {name} {COVERING.format(by=by)} WHERE status <> 'ended'" for name, by in UNUSUAL.items()),
    MARKS,
    "DROP INDEX transcript_vector",
    "ALTER TABLE calls_transcript ALTER COLUMN vector DROP EXPRESSION",  # what is stored stays
    """UPDATE calls_transcript t SET vector = vector || array_to_tsvector(call_marks(c)) FROM calls_call c
  WHERE c.id = t.call_id""",
    INDEX_OF_WORDS,
    *TRIGGERS,
]
BACKWARDS = [
    "DROP TRIGGER call_marks_changed ON calls_call",
    "DROP TRIGGER transcript_words ON calls_transcript",
    "DROP FUNCTION call_marks_changed",
    "DROP FUNCTION transcript_words",
    "DROP FUNCTION call_marks",
    "ALTER TABLE calls_transcript DROP COLUMN vector",
    f"ALTER TABLE calls_transcript ADD COLUMN vector tsvector GENERATED ALWAYS AS ({WORDS.format(text='text')}) STORED",
    "ALTER TABLE calls_transcript ALTER COLUMN vector SET STATISTICS 1000",
    INDEX_OF_WORDS,
    *(f"DROP INDEX {name}" for name in (*ORDERS, *UNUSUAL)),
    *(f"CREATE INDEX {name} ON calls_call ({by})" for name, by in ORDERS.items() if name != "call_by_time"),
]


def each(statements):
    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            for statement in statements:
                schema_editor.execute(statement, params=None)

    return run


class Migration(migrations.Migration):
    dependencies = [("calls", "0011_backlog")]
    operations = [migrations.RunPython(each(FORWARDS), each(BACKWARDS))]
