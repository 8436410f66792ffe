import type { Command } from 'commander';
import { migrateDown, migrateUp, migrationState } from '../kernel/migrations.ts';
import { positiveInteger } from './arguments.ts';
import { does, type Flags, type Outcome } from './command.ts';
import { withClient } from './database.ts';
import { exitCodes } from './exit-codes.ts';
import { withOwner } from './owner.ts';
import type { Shell } from './shell.ts';

/**
 * `migrate up|down|status|validate`. Exit code 3: the database is not what the files say (`status`: something is pending
 * or invalid; `validate`, `up`, `down`: an applied file was edited or is missing, or one has not finished). After a
 * failure the failed migration has left nothing behind.
 */
export function migrateCommands(program: Command, shell: Shell): void {
  const group = program
    .command('migrate')
    .description('Bring the database to the state that the migration files describe');
  const owned =
    <F extends Flags>(work: (ownerUrl: string, flags: F) => Promise<Outcome>) =>
    (flags: F) =>
      withOwner(shell, (ownerUrl) => work(ownerUrl, flags));
  const onWait = (reason: string) => shell.note(reason);

  does(
    group.command('up').description('Apply every pending migration'),
    shell,
    owned(async (ownerUrl) => {
      const applied = await migrateUp(ownerUrl, { onWait });
      return { result: { applied }, lines: listed(applied, 'applied') };
    }),
  );
  does(
    group
      .command('down')
      .description('Undo the newest migrations')
      .option('--steps <n>', 'how many', positiveInteger, 1),
    shell,
    owned(async (ownerUrl, flags: Flags & { steps: number }) => {
      const undone = await migrateDown(ownerUrl, flags.steps, { onWait });
      return { result: { undone }, lines: listed(undone, 'undone') };
    }),
  );
  does(
    group.command('status').description('List applied, pending and invalid migrations'),
    shell,
    owned(status),
  );
  does(
    group.command('validate').description('Check that the applied files are still what was applied'),
    shell,
    owned(validate),
  );
}

const listed = (names: string[], word: string): string[] =>
  names.length > 0 ? names.map((name) => `${word} ${name}`) : ['Nothing to do.'];

const codeOf = (faults: number) => (faults === 0 ? exitCodes.ok : exitCodes.refused);

async function status(ownerUrl: string): Promise<Outcome> {
  const state = await withClient(ownerUrl, (client) => migrationState(client));
  const lines = [
    ...state.applied.map((name) => `applied  ${name}`),
    ...state.pending.map((name) => `pending  ${name}`),
    ...state.invalid.map(({ name, problem }) => `invalid  ${name} (${problem})`),
  ];
  return { result: state, lines, exitCode: codeOf(state.pending.length + state.invalid.length) };
}

async function validate(ownerUrl: string): Promise<Outcome> {
  const { invalid } = await withClient(ownerUrl, (client) => migrationState(client));
  const lines = invalid.map(({ name, problem }) => `${name} is ${problem}.`);
  return {
    result: { valid: invalid.length === 0, invalid },
    lines: lines.length > 0 ? lines : ['All applied migrations are what they were.'],
    exitCode: codeOf(invalid.length),
  };
}
