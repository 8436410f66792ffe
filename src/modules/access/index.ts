import type { Principal } from '../../kernel/context.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { forbidden } from '../../kernel/errors.ts';
import { systemClock } from '../../kernel/time.ts';
import { defineModule } from '../../module.ts';
import { Authenticator } from './authenticator.ts';
import { ensureOperatorKey } from './bootstrap.ts';
import { invalidKey, missingKey, outOfScope } from './errors.ts';
import { issueKey, KeyService, type NewKey, revokeKeysOf } from './key-service.ts';
import { type Permission, permissions, roleMay } from './permissions.ts';
import { type AccessPorts, noUsage } from './ports.ts';
import { registerRoutes } from './routes.ts';
import { TenantService } from './tenant-service.ts';

export { KeyService } from './key-service.ts';
export { permissionNames } from './permissions.ts';

export interface AccessApi {
  /** Who presents this Authorization header, where that is remembered; null: `authenticate` has to find out. */
  recall(authorization: string | undefined): Principal | null;
  /** Who presents this Authorization header; throws 401. */
  authenticate(authorization: string | undefined): Promise<Principal>;
  /** Throws 403 where the role or the key's scopes lack the permission. */
  authorize(principal: Principal, permission: string): void;
  isPermission(name: string): boolean;
  /** Makes a key inside another module's transaction (enrolment, registration). */
  issueKey(tx: Transaction, input: NewKey): ReturnType<typeof issueKey>;
  /** Revokes all keys of a provider or node, inside the transaction that deletes it. */
  revokeKeysOf: typeof revokeKeysOf;
  /** The module that gives GPUs to tenants connects itself here; without one nobody uses anything. */
  connect(ports: AccessPorts): void;
}

const keyIn = (authorization: string): string | undefined => /^Bearer +(\S+)$/i.exec(authorization)?.[1];

function authorize({ role, scopes }: Principal, permission: string): void {
  if (!roleMay(role, permission as Permission))
    throw forbidden(`Role ${role} may not do this (${permission}).`);
  if (scopes.length > 0 && !scopes.includes(permission)) throw outOfScope(permission);
}

/** Keys, tenants, and the answer to "who is calling, and may they". */
export const access = defineModule<AccessApi>({
  name: 'access',
  dependsOn: [],
  create(kernel) {
    const { db, config, log, announce } = kernel;
    const pepper = config.keyPepper ?? '';
    const authenticator = new Authenticator({ db, pepper, clock: systemClock });
    const ports: AccessPorts = { ...noUsage };
    const services = { keys: new KeyService(kernel, pepper), tenants: new TenantService(kernel, ports) };
    return {
      api: {
        recall(authorization) {
          const key = authorization && keyIn(authorization);
          return key ? authenticator.recall(key) : null;
        },
        async authenticate(authorization) {
          if (authorization === undefined) throw missingKey();
          const key = keyIn(authorization);
          if (key === undefined) throw invalidKey();
          return authenticator.authenticate(key);
        },
        authorize,
        isPermission: (name) => Object.hasOwn(permissions, name),
        issueKey: (tx, input) => issueKey(tx, pepper, input),
        revokeKeysOf,
        connect: (connected) => Object.assign(ports, connected),
      },
      routes: (app) => registerRoutes(app, services),
      workers: [{ name: 'access.last_used', intervalMs: 2000, run: () => authenticator.flushLastUsed() }],
      onChange: (changes) => {
        if (changes.some(({ subject }) => subject.type === 'api_key')) authenticator.forget();
      },
      start: () =>
        ensureOperatorKey({
          db,
          log,
          announce,
          pepper,
          dataDir: config.dataDir,
          operatorApiKey: config.operatorApiKey,
        }),
    };
  },
});
