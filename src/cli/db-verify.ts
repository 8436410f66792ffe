import type { Client } from 'pg';
import type { Config } from '../config/index.ts';
import { driftOf } from '../module.ts';
import { modules } from '../modules.ts';
import type { Outcome } from './command.ts';
import { withClient } from './database.ts';
import { type Check, checks, countsSql } from './db-checks.ts';
import { exitCodes } from './exit-codes.ts';
import { table } from './table.ts';

/** How many of the broken objects are named. */
const namedAtMost = 5;

/**
 * The invariants that SQL can recompute: no double booking (I1), one effect for each idempotency key (I3), one change
 * for each version (I5), and that what is stored twice for speed is the same twice. Those that can be repaired are what
 * `reconcile` looks for.
 */
const invariantsOf = (config: Config): readonly Check[] => [
  ...driftOf(modules, config).map(({ name, rule, find }) => ({ name, rule, sql: find.text })),
  ...checks,
];

interface Finding {
  check: string;
  rule: string;
  /** How many objects break the rule; the first few are in `examples`. */
  broken: number;
  examples: { subject: string; detail: string | null }[];
}

/**
 * Recomputes every invariant that SQL can recompute, all in one snapshot, so that writers beside it change nothing.
 * Exit code 1 where any is broken. Reads every table once: minutes on a very large fleet.
 */
export async function verify(ownerUrl: string, config: Config): Promise<Outcome> {
  const { counts, findings } = await withClient(ownerUrl, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(`SET LOCAL app.tenant_id = '*'`);
    const { rows } = await client.query<Record<string, number>>(countsSql);
    const found: Finding[] = [];
    for (const check of invariantsOf(config)) found.push(await examine(client, check));
    return { counts: rows[0] ?? {}, findings: found };
  });
  const broken = findings.filter((finding) => finding.broken > 0);
  return {
    result: { ok: broken.length === 0, counts, checks: findings },
    lines: [
      Object.entries(counts)
        .map(([name, count]) => `${count} ${words(name)}`)
        .join(', '),
      '',
      ...table(
        ['CHECK', 'BROKEN', 'RULE'],
        findings.map((finding) => [finding.check, String(finding.broken), finding.rule]),
      ),
      ...broken.flatMap(namedFaults),
      '',
      broken.length === 0 ? 'All is well.' : `${broken.length} of ${findings.length} checks found faults.`,
    ],
    exitCode: broken.length === 0 ? exitCodes.ok : exitCodes.failed,
  };
}

async function examine(client: Client, { name, rule, sql }: Check): Promise<Finding> {
  const { rows } = await client.query<{ broken: number; subject: string; detail: string | null }>(
    `/* cli:${name} */ SELECT count(*) OVER ()::int AS broken, found.subject::text AS subject,
            to_jsonb(found) ->> 'detail' AS detail FROM (${sql}) found LIMIT ${namedAtMost}`,
  );
  const examples = rows.map(({ subject, detail }) => ({ subject, detail }));
  return { check: name, rule, broken: rows[0]?.broken ?? 0, examples };
}

const namedFaults = ({ check, examples }: Finding): string[] => [
  '',
  `${check}:`,
  ...examples.map(({ subject, detail }) => `  ${subject}${detail === null ? '' : ` (${detail})`}`),
];

const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
