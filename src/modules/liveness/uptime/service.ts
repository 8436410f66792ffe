import sql from 'sql-template-tag';
import type { RequestContext } from '../../../kernel/context.ts';
import type { Database } from '../../../kernel/db/database.ts';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import { invalid, notFound } from '../../../kernel/errors.ts';
import { parseTimestamp } from '../../../kernel/http/timestamp.ts';
import { visibleProviders } from '../../inventory/index.ts';
import { daysBetween, localDate } from './days.ts';
import { readRecords } from './queries.ts';
import type { Uptime, UptimeQuery } from './schemas.ts';
import type { Span } from './spans.ts';
import { type NodeRecord, sumOf, type Tally, tallies, uptimeOf } from './tally.ts';

const dayMs = 86_400_000;
/** A year and a day: of every year of any zone all days are told. */
const longRangeMs = 367 * dayMs;
const defaultRangeMs = 30 * dayMs;

/** How much of the time the nodes of a provider were there. */
export class UptimeService {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @throws 404 `provider.not_found`, 400 for a range or zone that there is not. */
  get(ctx: RequestContext, providerId: string, query: UptimeQuery): Promise<Uptime> {
    const dateOf = localDate(query.tz);
    if (!dateOf) throw invalid('tz', 'must be an IANA time zone');
    return this.#db.read(ctx, async (tx) => {
      const range = rangeOf(query, await nowOf(tx, ctx, providerId));
      const { nodes, incidents, emergencies } = await readRecords(tx, providerId, range);
      const days = daysBetween(toldFrom(range, nodes), range.until, dateOf);
      const parts = tallies(nodes, [...days.map(({ from }) => from), range.until]);
      return {
        providerId,
        from: new Date(range.from),
        to: new Date(range.until),
        tz: query.tz,
        nodes: nodes.length,
        incidents,
        emergencyWindows: emergencies.length,
        total: timesOf(sumOf(parts)),
        days: days.map(({ date, from, until }, index) => ({
          date,
          from: new Date(from),
          to: new Date(until),
          ...timesOf(parts[index] as Tally),
          emergencyWindows: emergencies.filter((span) => span.from < until && span.until > from).length,
        })),
      };
    });
  }
}

/** The time of the database, if the caller may see the provider. */
async function nowOf(tx: Queryable, { principal }: RequestContext, providerId: string): Promise<number> {
  const [provider] = await tx.rows<{ at: Date }>(sql`/* liveness:provider_of_uptime */
    SELECT clock_timestamp() AS at FROM inventory.provider p
     WHERE p.id = ${providerId} AND ${visibleProviders(principal)}`);
  if (!provider) throw notFound('provider');
  return provider.at.getTime();
}

/** What lies ahead has no uptime: a range ends now at the latest. */
function rangeOf({ from, to }: UptimeQuery, now: number): Span {
  const until = Math.min(to === undefined ? now : momentOf(to, 'to'), now);
  const start = from === undefined ? until - defaultRangeMs : momentOf(from, 'from');
  if (start >= until) throw invalid('from', 'must be before `to`, and before now');
  return { from: start, until };
}

/** A long range is told from the first heartbeat on: a year 1 that somebody names has no days worth a line. */
const toldFrom = ({ from, until }: Span, nodes: readonly NodeRecord[]): number =>
  until - from <= longRangeMs
    ? from
    : nodes.reduce((earliest, { life }) => Math.min(earliest, Math.max(from, life.from)), until);

function momentOf(text: string, parameter: string): number {
  const moment = parseTimestamp(text);
  if (moment === undefined) throw invalid(parameter, 'must be an RFC 3339 date and time');
  return Date.parse(moment);
}

const timesOf = (tally: Tally): Uptime['total'] => ({
  upS: tally.up / 1000,
  downS: tally.down / 1000,
  plannedMaintenanceS: tally.planned / 1000,
  emergencyMaintenanceS: tally.emergency / 1000,
  unknownS: tally.unknown / 1000,
  uptime: uptimeOf(tally),
});
