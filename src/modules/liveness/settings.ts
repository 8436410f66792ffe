import { fraction, integer } from '../../kernel/settings.ts';

export const livenessSettings = {
  minIntervalS: integer(
    'HEARTBEAT_MIN_INTERVAL_S',
    'Shortest time between two heartbeats of a node, in seconds',
    {
      default: 10,
      min: 1,
      max: 3600,
    },
  ),
  targetRate: integer(
    'HEARTBEAT_TARGET_RATE',
    'Heartbeats a second of the whole fleet; beyond it the interval grows with the fleet',
    { default: 1000, min: 1, max: 1_000_000 },
  ),
  graceS: integer('HEARTBEAT_GRACE_S', 'Seconds from the deadline of a heartbeat (late) to offline', {
    default: 10,
    min: 0,
    max: 86_400,
  }),
  failoverGraceS: integer(
    'FAILOVER_GRACE_S',
    'Seconds after a start, or after an outage of the database, in which no node goes offline',
    { default: 300, min: 0, max: 86_400 },
  ),
  breakerShare: fraction(
    'BREAKER_SHARE',
    'Share of the nodes online or late beyond which nodes that expire together become unknown, not offline',
    0.2,
  ),
  breakerMinNodes: integer('BREAKER_MIN_NODES', 'Nodes that must expire together for that', {
    default: 3,
    min: 1,
    max: 1_000_000,
  }),
  breakerProof: fraction(
    'BREAKER_PROOF_SHARE',
    'Share of the nodes that the breaker made unknown that must be heard again for it to be released',
    0.5,
  ),
  flappingLimit: integer(
    'FLAPPING_LIMIT',
    'Times that a node may go offline within an hour; one more, and it takes no work until it is stable',
    { default: 3, min: 0, max: 1000 },
  ),
  flappingStableS: integer('FLAPPING_STABLE_S', 'Seconds online without a break that end the flapping', {
    default: 900,
    min: 0,
    max: 86_400,
  }),
  directivesIntervalMs: integer(
    'DIRECTIVES_INTERVAL_MS',
    'Time between two looks for what agents are asked to do: answer a challenge, drain',
    { default: 5000, min: 10, max: 3_600_000 },
  ),
  sweepIntervalMs: integer('SWEEP_INTERVAL_MS', 'Time between two looks for nodes that were not heard', {
    default: 1000,
    min: 10,
    max: 3_600_000,
  }),
  batchMax: integer('HEARTBEAT_BATCH_MAX', 'Heartbeats that one statement stores at most', {
    default: 500,
    min: 1,
    max: 5000,
  }),
  connections: integer('HEARTBEAT_CONNECTIONS', 'Connections that store heartbeats, beside the main pool', {
    default: 2,
    min: 1,
    max: 32,
  }),
  retentionDays: integer('HEARTBEAT_RETENTION_DAYS', 'Days for which the history of heartbeats is kept', {
    default: 7,
    min: 1,
    max: 3650,
  }),
  queueMax: integer('HEARTBEAT_QUEUE_MAX', 'Heartbeats that may wait to be stored; more are answered 503', {
    default: 10_000,
    min: 1,
    max: 1_000_000,
  }),
} as const;
