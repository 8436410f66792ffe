import { createApplication } from '../app.ts';
import type { Config } from '../config/index.ts';
import { Api } from './api.ts';
import { silentLog } from './database.ts';
import { asOperator, withKeyService } from './key-service.ts';

/**
 * Runs `work` against a service of this process's own, on a free loopback port, with an operator key that lives as long
 * as the work: what it writes passes every rule of the API, and the audit log says by which key.
 */
export async function withOwnService<T>(
  { purpose, config }: { purpose: string; config: Config & { databaseUrl: string } },
  work: (api: Api) => Promise<T>,
): Promise<T> {
  const application = await createApplication(
    { ...config, rateLimitEnabled: false, metricsPort: 0 },
    silentLog,
    () => {},
  );
  try {
    await application.startup.run();
    const url = await application.app.listen({ host: '127.0.0.1', port: 0 });
    return await withOperatorKey(config, purpose, (key) => work(new Api(url, key)));
  } finally {
    await application.close();
  }
}

const withOperatorKey = <T>(
  config: { databaseUrl: string; keyPepper: string | null },
  name: string,
  work: (key: string) => Promise<T>,
): Promise<T> =>
  withKeyService(config.databaseUrl, config, async (keys) => {
    const { id, key } = await keys.create(asOperator(), { name, role: 'operator' });
    try {
      return await work(key);
    } finally {
      await keys.revoke(asOperator(), id, null);
    }
  });
