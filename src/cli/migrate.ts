import { Command, InvalidArgumentError } from 'commander';
import pg from 'pg';
import {
  InvalidMigrationsError,
  type MigrationState,
  migrateDown,
  migrateUp,
  migrationState,
} from '../kernel/migrations.ts';
import { withOwner } from './owner.ts';

interface Flags {
  json?: boolean;
}

/** What a subcommand found: the object is for machines, the lines for people. */
interface Outcome {
  result: object;
  lines: string[];
  fits?: boolean;
}

const exitFailed = 1;
const exitMisfit = 3;

/**
 * `migrate up|down|status|validate`. Exit codes: 0 done, nothing to do, or all well; 1 wrong usage or a failure, after
 * which the failed migration has left nothing behind; 3 the database is not what the files say (`status`: something is
 * pending or invalid; `validate`, `up`, `down`: an applied file was edited or is missing, or one has not finished).
 */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Bring the database to the state that the migration files describe')
    .addCommand(subcommand('up', 'Apply every pending migration', up))
    .addCommand(
      subcommand('down', 'Undo the newest migrations', down).option('--steps <n>', 'how many', steps, 1),
    )
    .addCommand(subcommand('status', 'List applied, pending and invalid migrations', status))
    .addCommand(subcommand('validate', 'Check that the applied files are still what was applied', validate));
}

function subcommand<F extends Flags>(
  name: string,
  description: string,
  work: (ownerUrl: string, flags: F) => Promise<Outcome>,
): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print the outcome as JSON')
    .action((flags: F) => report(flags, () => withOwner((ownerUrl) => work(ownerUrl, flags))));
}

async function report(flags: Flags, work: () => Promise<Outcome>): Promise<void> {
  try {
    const { result, lines, fits = true } = await work();
    console.log(flags.json ? JSON.stringify(result) : lines.join('\n'));
    process.exitCode = fits ? 0 : exitMisfit;
  } catch (error) {
    const { message } = error as Error;
    const invalid = error instanceof InvalidMigrationsError ? error.invalid : [];
    if (flags.json) console.log(JSON.stringify({ error: message, invalid }));
    else console.error(message);
    process.exitCode = invalid.length > 0 ? exitMisfit : exitFailed;
  }
}

function steps(value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value))
    throw new InvalidArgumentError('A whole number from 1 to 9999 is needed.');
  return Number(value);
}

const onWait = (reason: string) => console.error(reason);

async function up(ownerUrl: string): Promise<Outcome> {
  const applied = await migrateUp(ownerUrl, { onWait });
  return { result: { applied }, lines: listed(applied, 'applied') };
}

async function down(ownerUrl: string, flags: Flags & { steps: number }): Promise<Outcome> {
  const undone = await migrateDown(ownerUrl, flags.steps, { onWait });
  return { result: { undone }, lines: listed(undone, 'undone') };
}

const listed = (names: string[], word: string): string[] =>
  names.length > 0 ? names.map((name) => `${word} ${name}`) : ['Nothing to do.'];

async function readState(ownerUrl: string): Promise<MigrationState> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    return await migrationState(client);
  } finally {
    await client.end();
  }
}

async function status(ownerUrl: string): Promise<Outcome> {
  const state = await readState(ownerUrl);
  const lines = [
    ...state.applied.map((name) => `applied  ${name}`),
    ...state.pending.map((name) => `pending  ${name}`),
    ...state.invalid.map(({ name, problem }) => `invalid  ${name} (${problem})`),
  ];
  return { result: state, lines, fits: state.pending.length + state.invalid.length === 0 };
}

async function validate(ownerUrl: string): Promise<Outcome> {
  const { invalid } = await readState(ownerUrl);
  const lines = invalid.map(({ name, problem }) => `${name} is ${problem}.`);
  return {
    result: { valid: invalid.length === 0, invalid },
    lines: lines.length > 0 ? lines : ['All applied migrations are what they were.'],
    fits: invalid.length === 0,
  };
}
