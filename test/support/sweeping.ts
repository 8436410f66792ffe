import { pino } from 'pino';
import sql from 'sql-template-tag';
import { Database } from '../../src/kernel/db/database.ts';
import { createPool } from '../../src/kernel/db/pool.ts';
import { nodePorts } from '../../src/modules/allocations/ports.ts';
import { Sweeper } from '../../src/modules/liveness/sweeper.ts';
import type { TestNode } from './fleet.ts';
import type { TestService } from './service.ts';

const settings = {
  graceS: 10,
  failoverGraceS: 0,
  breakerShare: 0.2,
  breakerMinNodes: 3,
  breakerProof: 0.5,
  flappingStableS: 900,
  sweepIntervalMs: 1000,
};

/** A sweeper that works when the test says so, at a moment that the test sets. */
export interface TestSweeper {
  sweep(): Promise<void>;
  /** Moves its clock, the database's, ahead. */
  passSeconds(seconds: number): void;
  close(): Promise<void>;
}

/** A replica's sweeper, connected as the service is. */
export function createSweeper(service: TestService, changes: Partial<typeof settings> = {}): TestSweeper {
  const log = pino({ level: 'silent' });
  const db = new Database({
    pool: createPool({ url: service.database.url, max: 2, name: 'sweeper', log }),
    log,
  });
  let ahead = 0;
  const sweeper = new Sweeper({
    db,
    settings: { ...settings, ...changes },
    ports: nodePorts,
    windowMs: () => 20_000,
    now: () => sql`clock_timestamp() + make_interval(secs => ${ahead})`,
  });
  return {
    sweep: () => sweeper.sweep(),
    passSeconds: (seconds) => {
      ahead += seconds;
    },
    close: () => db.close(),
  };
}

/** Puts the deadline of nodes so many seconds into the past. */
export async function miss(service: TestService, nodes: readonly TestNode[], seconds: number): Promise<void> {
  await service.sql.query(
    `UPDATE inventory.node_heartbeat SET deadline_at = clock_timestamp() - make_interval(secs => $2)
      WHERE node_id = ANY($1::uuid[])`,
    [nodes.map(({ id }) => id), seconds],
  );
}
