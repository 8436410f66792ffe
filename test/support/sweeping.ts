import sql from 'sql-template-tag';
import { nodePorts } from '../../src/modules/allocations/ports.ts';
import { Sweeper } from '../../src/modules/liveness/sweeper.ts';
import type { TestNode } from './fleet.ts';
import { replicaOf, type TestService } from './service.ts';

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

/** The sweeper of a further replica, unless it brings a `db`; a node is heard within `windowMs`. */
export function createSweeper(
  service: TestService,
  changes: Partial<typeof settings> = {},
  { db = replicaOf(service), windowMs = 20_000, stepSize = 1000 } = {},
): TestSweeper {
  let ahead = 0;
  const sweeper = new Sweeper({
    db,
    settings: { ...settings, ...changes },
    ports: nodePorts,
    windowMs: () => windowMs,
    stepSize,
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
