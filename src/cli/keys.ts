import { type Command, Option } from 'commander';
import { type Role, roles } from '../kernel/context.ts';
import type { KeyService } from '../modules/access/index.ts';
import { futureMoment, keyName, permissionList, positiveInteger, uuid } from './arguments.ts';
import { does, type Flags, type Outcome } from './command.ts';
import { withMigrated } from './database.ts';
import { asOperator, withKeyService } from './key-service.ts';
import type { Shell } from './shell.ts';
import { shown, table } from './table.ts';

/**
 * `keys create|list|rotate|revoke`, straight on the database: whoever may use it can let himself in again when every
 * key is lost. A running service takes note within 5 s.
 */
export function keysCommands(program: Command, shell: Shell): void {
  const group = program.command('keys').description('API keys, made and revoked directly in the database');
  does(createCommand(group), shell, (flags: CreateFlags) => withKeys(shell, (keys) => create(keys, flags)));
  does(listCommand(group), shell, (flags: ListFlags) => withKeys(shell, (keys) => list(keys, flags)));
  does(rotateCommand(group), shell, ({ overlapS }: RotateFlags, id) =>
    withKeys(shell, async (keys) => issued(await keys.rotate(asOperator(), id ?? '', null, { overlapS }))),
  );
  does(
    group.command('revoke').description('Revoke a key for good').argument('<id>', 'id of the key', uuid),
    shell,
    (_flags, id = '') =>
      withKeys(shell, async (keys) => {
        await keys.revoke(asOperator(), id, null);
        return { result: { id, revoked: true }, lines: [`${id} is revoked.`] };
      }),
  );
}

interface CreateFlags extends Flags {
  name: string;
  role: Role;
  providerId?: string;
  nodeId?: string;
  tenantId?: string;
  scopes?: ReturnType<typeof permissionList>;
  expiresAt?: string;
}

interface ListFlags extends Flags {
  role?: Role;
}

interface RotateFlags extends Flags {
  overlapS: number;
}

const createCommand = (group: Command): Command =>
  group
    .command('create')
    .description('Make a key and show it this once')
    .requiredOption('--name <text>', 'what people recognise it by', keyName)
    .addOption(new Option('--role <role>', 'what it may do').choices(roles).default('operator'))
    .option('--provider-id <id>', 'whose it is; needed for role provider', uuid)
    .option('--node-id <id>', 'whose it is; needed for role agent', uuid)
    .option('--tenant-id <id>', 'whose it is; needed for role tenant', uuid)
    .option('--scopes <list>', 'permissions that it is limited to, separated by commas', permissionList)
    .option('--expires-at <time>', 'when it ends, in ISO 8601', futureMoment);

const listCommand = (group: Command): Command =>
  group
    .command('list')
    .description('List the keys that are not revoked')
    .addOption(new Option('--role <role>', 'only these').choices(roles));

const rotateCommand = (group: Command): Command =>
  group
    .command('rotate')
    .description('Replace a key by a new one with the same rights and show it this once')
    .argument('<id>', 'id of the key', uuid)
    .option('--overlap-s <seconds>', 'how long the old one still works', positiveInteger, 3600);

const withKeys = (shell: Shell, work: (keys: KeyService) => Promise<Outcome>): Promise<Outcome> =>
  withMigrated(shell, (ownerUrl) => withKeyService(ownerUrl, shell.config(), work));

type Issued = Awaited<ReturnType<KeyService['create']>>;
type Key = Omit<Issued, 'key'>;

async function create(keys: KeyService, { json, ...input }: CreateFlags): Promise<Outcome> {
  return issued(await keys.create(asOperator(), input));
}

const issued = (key: Issued): Outcome => ({
  result: key,
  lines: [`${key.role} key ${key.id}, shown this once:`, '', `  ${key.key}`, ''],
});

async function list(keys: KeyService, { role }: ListFlags): Promise<Outcome> {
  const items: Key[] = [];
  let cursor: string | null = null;
  do {
    const query = { limit: 500, ...(role && { role }), ...(cursor && { cursor }) };
    const page = await keys.list(asOperator(), query);
    items.push(...(page.items as Key[]));
    cursor = page.nextCursor;
  } while (cursor !== null);
  const titles = ['ID', 'ROLE', 'NAME', 'ENDS IN', 'OWNER', 'STATE', 'EXPIRES', 'LAST USED'];
  return { result: { items }, lines: table(titles, items.map(row)) };
}

const row = (key: Key): string[] => [
  key.id,
  key.role,
  key.name,
  `…${key.hint}`,
  shown(key.nodeId ?? key.providerId ?? key.tenantId),
  stateOf(key),
  shown(key.expiresAt && new Date(key.expiresAt).toISOString()),
  shown(key.lastUsedAt && new Date(key.lastUsedAt).toISOString()),
];

function stateOf({ disabled, expiresAt }: Key): string {
  if (disabled) return 'disabled';
  return expiresAt && new Date(expiresAt) <= new Date() ? 'expired' : 'usable';
}
