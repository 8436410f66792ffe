import { boolean, integer, list, oneOf, optional, optionalInteger, text } from '../kernel/settings.ts';

/** Settings of the service itself; each module brings a section of its own. */
export const coreSettings = {
  host: text('HOST', 'Address to listen on', '127.0.0.1'),
  port: integer('PORT', 'Port to listen on; 0 takes a free one', { default: 3000, min: 0, max: 65535 }),
  databaseUrl: optional('DATABASE_URL', 'PostgreSQL 15–18; unset: an embedded server under DATA_DIR', {
    secret: true,
    pattern: /^postgres(ql)?:\/\/\S+$/,
    rule: 'a postgresql:// URL',
  }),
  dataDir: text('DATA_DIR', 'Folder of the embedded database and of the first operator key', '.data'),
  redisUrl: optional('REDIS_URL', 'Redis 6 or later; unset: the cache lives in the process', {
    secret: true,
    pattern: /^rediss?:\/\/\S+$/,
    rule: 'a redis:// URL',
  }),
  operatorApiKey: optional(
    'OPERATOR_API_KEY',
    'Operator key, 32–200 visible ASCII characters; unset: made at the first start',
    {
      secret: true,
      pattern: /^[\x21-\x7e]{32,200}$/,
      rule: '32 to 200 visible ASCII characters',
    },
  ),
  keyPepper: optional('KEY_PEPPER', 'Keyed hash of API keys; the same on all replicas, and never changed', {
    secret: true,
  }),
  logLevel: oneOf(
    'LOG_LEVEL',
    'Least level that is logged',
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'info',
  ),
  metricsPort: optionalInteger(
    'METRICS_PORT',
    'Loopback port of /metrics; unset: a free one, logged',
    0,
    65535,
  ),
  trustProxy: list('TRUST_PROXY', 'Addresses or CIDR ranges of proxies whose X-Forwarded-For counts'),
  corsOrigin: list('CORS_ORIGIN', 'Origins whose pages may call from a browser, or *; unset: none', {
    pattern: /^(\*|https?:\/\/[^\s/?#]+)$/,
    rule: 'origins such as https://console.example, or *',
  }),
  cacheEntriesMax: integer(
    'CACHE_ENTRIES_MAX',
    'Answers that the process itself keeps; 0 leaves all to Redis',
    {
      default: 20_000,
      min: 0,
      max: 1_000_000,
    },
  ),
  rateLimitEnabled: boolean('RATE_LIMIT_ENABLED', 'false turns off every 429', true),
  databasePoolMax: integer('DATABASE_POOL_MAX', 'Connections of the main pool', {
    default: 10,
    min: 1,
    max: 200,
  }),
  databasePrepare: boolean(
    'DATABASE_PREPARE',
    'false behind a transaction pooler that knows no prepared statements (PgBouncer before 1.21)',
    true,
  ),
  reconcileIntervalS: integer('RECONCILE_INTERVAL_S', 'Seconds between two looks for drift; 0: none', {
    default: 3600,
    min: 0,
    max: 604_800,
  }),
  reconcileApply: boolean(
    'RECONCILE_APPLY',
    'true repairs the drift that is found, not only tells of it',
    false,
  ),
  shutdownDelayMs: integer('SHUTDOWN_DELAY_MS', 'Time between /ready turning 503 and the listener closing', {
    default: 0,
    min: 0,
    max: 60_000,
  }),
} as const;
