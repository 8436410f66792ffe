import sql, { type Sql } from 'sql-template-tag';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import type { Span } from './spans.ts';
import type { NodeRecord } from './tally.ts';

interface SpanRow {
  nodeId: string;
  kind: 'offline' | 'unknown' | 'planned' | 'emergency';
  id: string;
  from: Date;
  /** Null while it goes on. */
  until: Date | null;
}

interface LifeRow {
  nodeId: string;
  from: Date;
  until: Date | null;
}

export interface Records {
  nodes: NodeRecord[];
  incidents: number;
  /** Emergency windows, each once, whatever number of nodes it covers. */
  emergencies: Span[];
}

/** Everything that the nodes of a provider have of a range, `to` at most now; deleted nodes until their deletion. */
export async function readRecords(
  db: Queryable,
  providerId: string,
  { from, until }: Span,
): Promise<Records> {
  const [start, end] = [new Date(from), new Date(until)];
  const lives = await db.rows<LifeRow>(sql`/* liveness:node_lives */
    SELECT n.id AS node_id, n.first_heard_at AS from, n.deleted_at AS until FROM inventory.node n
     WHERE n.provider_id = ${providerId} AND ${meets(sql`n.first_heard_at`, sql`n.deleted_at`, start, end)}`);
  const spans = await db.rows<SpanRow>(sql`/* liveness:node_spans */
    SELECT i.node_id, i.kind, i.id, i.started_at AS from, i.ended_at AS until FROM inventory.incident i
     WHERE i.provider_id = ${providerId} AND ${meets(sql`i.started_at`, sql`i.ended_at`, start, end)}
    UNION ALL
    SELECT m.node_id, m.kind, m.window_id, m.from_at, m.until_at
      FROM inventory.node_maintenance m JOIN inventory.node n ON n.id = m.node_id
     WHERE n.provider_id = ${providerId} AND ${meets(sql`m.from_at`, sql`m.until_at`, start, end)}`);
  return {
    nodes: recordsOf(lives, spans, until),
    incidents: spans.filter(({ kind }) => kind === 'offline').length,
    emergencies: emergenciesOf(spans, until),
  };
}

function emergenciesOf(spans: readonly SpanRow[], end: number): Span[] {
  const windows = new Map<string, Span>();
  for (const row of spans) {
    if (row.kind !== 'emergency') continue;
    const [{ from, until }, known] = [spanOf(row, end), windows.get(row.id)];
    windows.set(row.id, {
      from: Math.min(from, known?.from ?? from),
      until: Math.max(until, known?.until ?? until),
    });
  }
  return [...windows.values()];
}

const meets = (from: Sql, until: Sql, start: Date, end: Date): Sql =>
  sql`${from} < ${end}::timestamptz AND (${until} IS NULL OR ${until} > ${start}::timestamptz)`;

/** What goes on lasts until the end of the range. */
const spanOf = ({ from, until }: Pick<LifeRow, 'from' | 'until'>, end: number): Span => ({
  from: from.getTime(),
  until: until?.getTime() ?? end,
});

function recordsOf(lives: readonly LifeRow[], spans: readonly SpanRow[], end: number): NodeRecord[] {
  const byNode = new Map<string, SpanRow[]>();
  for (const span of spans) byNode.set(span.nodeId, [...(byNode.get(span.nodeId) ?? []), span]);
  return lives.map((life) => {
    const own = byNode.get(life.nodeId) ?? [];
    const of = (wanted: SpanRow['kind']) =>
      own.filter(({ kind }) => kind === wanted).map((row) => spanOf(row, end));
    return {
      life: spanOf(life, end),
      planned: of('planned'),
      emergency: of('emergency'),
      down: of('offline'),
      unknown: of('unknown'),
    };
  });
}
