import { randomBytes } from 'node:crypto';
import type { Config } from '../config/index.ts';
import type { Outcome } from './command.ts';
import { withClient } from './database.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { withOwnService } from './own-service.ts';
import { seedFleet } from './seed-fleet.ts';
import { applyState, type SeededNode, seedProvider, sendHeartbeat, untilOffline } from './seed-network.ts';
import { seedUse } from './seed-use.ts';

type OnDatabase = Config & { databaseUrl: string };

/**
 * Fills the database with a small network, through the API of a service of its own. A database with providers is
 * refused unless `force`: then the new ones come beside the old ones, with other e-mail addresses and hardware.
 * Nodes are heard as it ends, and stay online for two hours without an agent.
 */
export async function seed(config: OnDatabase, force: boolean): Promise<Outcome> {
  const filled = await withClient(config.databaseUrl, async (client) => {
    const { rowCount } = await client.query('SELECT FROM inventory.provider LIMIT 1');
    return rowCount === 1;
  });
  if (filled && !force) {
    throw new Failure('There are providers already: --force adds the seed beside them.', exitCodes.refused);
  }
  const nodes = await seedNetwork(config, filled);
  const gpus = nodes.reduce((sum, node) => sum + node.gpus.length, 0);
  const result = { providers: seedFleet.length, nodes: nodes.length, gpus };
  return {
    result,
    lines: [`${result.providers} providers with ${result.nodes} nodes and ${result.gpus} GPUs are there.`],
  };
}

async function seedNetwork(config: OnDatabase, filled: boolean): Promise<SeededNode[]> {
  const salt = filled ? randomBytes(3).toString('hex') : '';
  const nodes = await withOwnService(
    { purpose: 'db seed: registration', config: impatient(config, filled) },
    async (api) => {
      const registered: SeededNode[] = [];
      for (const provider of seedFleet) registered.push(...(await seedProvider(api, provider, salt)));
      const silent = registered.filter(({ state }) => state === 'silent');
      for (const node of silent) await sendHeartbeat(api, node);
      // Elsewhere a service that runs, or the next one, notices by itself.
      if (!filled) for (const node of silent) await untilOffline(api, node);
      return registered;
    },
  );
  await withOwnService({ purpose: 'db seed: use', config: patient(config) }, async (api) => {
    const heard = nodes.filter(({ state }) => state !== 'new' && state !== 'silent');
    for (const node of heard) await sendHeartbeat(api, node);
    for (const node of heard) await applyState(api, node);
    await seedUse(api, nodes);
  });
  return nodes;
}

const liveness = (config: OnDatabase, settings: Record<string, number>): OnDatabase => ({
  ...config,
  modules: { ...config.modules, liveness: { ...config.modules.liveness, ...settings } },
});

/** Whoever is not heard for two seconds is offline; never so beside the nodes of others. */
const impatient = (config: OnDatabase, filled: boolean): OnDatabase =>
  liveness(config, {
    minIntervalS: 1,
    ...(!filled && { graceS: 0, failoverGraceS: 0, breakerMinNodes: 1000 }),
  });

const patient = (config: OnDatabase): OnDatabase => liveness(config, { minIntervalS: 3600 });
