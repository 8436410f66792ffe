import { randomUUID } from 'node:crypto';
import type { RequestContext } from '../kernel/context.ts';
import { createCursorCodec } from '../kernel/http/cursor.ts';
import { sharedSecret } from '../kernel/shared-secret.ts';
import { KeyService } from '../modules/access/index.ts';
import { silentLog, withDatabase } from './database.ts';

/** Who the audit log then names: nobody's key, but the right to use the database. */
export const asOperator = (): RequestContext => ({
  principal: { keyId: 'cli', role: 'operator', providerId: null, nodeId: null, tenantId: null, scopes: [] },
  requestId: `cli-${randomUUID()}`,
  idempotency: null,
  log: silentLog,
});

/** Runs `work` with the service's own functions for keys, straight on the database. */
export const withKeyService = <T>(
  databaseUrl: string,
  { keyPepper }: { keyPepper: string | null },
  work: (keys: KeyService) => Promise<T>,
): Promise<T> =>
  withDatabase(databaseUrl, async (db) => {
    const cursors = createCursorCodec(await sharedSecret(db, 'cursor'));
    return work(new KeyService({ db, cursors }, keyPepper ?? ''));
  });
