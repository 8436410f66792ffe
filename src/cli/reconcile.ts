import type { Command } from 'commander';
import { type Drift, findDrift, repairDrift } from '../kernel/drift.ts';
import { driftOf } from '../module.ts';
import { modules } from '../modules.ts';
import { does, type Flags, type Outcome } from './command.ts';
import { withDatabase, withMigrated } from './database.ts';
import { exitCodes } from './exit-codes.ts';
import type { Shell } from './shell.ts';
import { shown, table } from './table.ts';

interface ReconcileFlags extends Flags {
  apply?: boolean;
}

/** `reconcile [--dry-run|--apply]`. Exit code 1: there is drift, or after `--apply` still some that cannot be repaired. */
export function reconcileCommand(program: Command, shell: Shell): void {
  does(
    program
      .command('reconcile')
      .description('Find where the database disagrees with itself, and with --apply repair it')
      .option('--dry-run', 'only find it, which is the default')
      .option('--apply', 'repair it, in short transactions beside a running service'),
    shell,
    ({ apply = false }: ReconcileFlags) =>
      withMigrated(shell, (ownerUrl) =>
        withDatabase(ownerUrl, async (db) => {
          const classes = driftOf(modules, shell.config());
          if (!apply) return outcomeOf(await findDrift(db, classes), null);
          const found = await repairDrift(db, classes);
          return outcomeOf(found, await findDrift(db, classes));
        }),
      ),
  );
}

function outcomeOf(found: readonly Drift[], left: readonly Drift[] | null): Outcome {
  const after = left ?? found;
  const rest = after.reduce((sum, drift) => sum + (drift.found ?? 0), 0);
  const unknown = after.filter((drift) => drift.found === null).length;
  const ok = rest === 0 && unknown === 0;
  const drifts = found.map((drift, index) => ({ ...drift, left: after[index]?.found ?? null }));
  return {
    result: { ok, applied: left !== null, drifts },
    lines: [
      ...table(
        ['CLASS', 'FOUND', ...(left ? ['LEFT'] : []), 'RULE'],
        drifts.map((drift) => [
          drift.class,
          shown(drift.found),
          ...(left ? [shown(drift.left)] : []),
          drift.rule,
        ]),
      ),
      ...drifts.flatMap(({ class: name, examples }) =>
        examples.map(
          ({ subject, detail }) => `  ${name}: ${subject}${detail === null ? '' : ` (${detail})`}`,
        ),
      ),
      '',
      ...(unknown > 0 ? [`${unknown} classes took too long to look at (-).`] : []),
      rest === 0
        ? 'No drift is left.'
        : `${rest} objects have drifted.${left ? '' : ' --apply repairs them.'}`,
    ],
    exitCode: ok ? exitCodes.ok : exitCodes.failed,
  };
}
