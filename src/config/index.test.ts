import { describe, expect, it } from '@jest/globals';
import { integer, optional } from '../kernel/settings.ts';
import { ConfigError, loadConfig } from './index.ts';
import { coreSettings } from './settings.ts';

const liveness = {
  name: 'liveness',
  settings: { intervalMs: integer('INTERVAL_MS', 'Interval', { default: 10_000, min: 1, max: 60_000 }) },
};
const signing = {
  name: 'signing',
  settings: { key: optional('SIGNING_KEY', 'Key', { secret: true, pattern: /^k/, rule: 'a key' }) },
};
const access = { name: 'access' };

function faultsOf(env: Record<string, string>): ConfigError {
  try {
    loadConfig([liveness, signing], env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
  }
  throw new Error('these settings are usable');
}

describe('loadConfig', () => {
  it('starts with an empty environment', () => {
    expect(loadConfig([], {})).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      databaseUrl: null,
      redisUrl: null,
      dataDir: '.data',
      operatorApiKey: null,
      logLevel: 'info',
      metricsPort: null,
      rateLimitEnabled: true,
      shutdownDelayMs: 0,
      modules: {},
    });
  });

  it('reads the section of each module under its name', () => {
    const { modules } = loadConfig([liveness, signing, access], { INTERVAL_MS: '500' });
    expect(modules).toEqual({ liveness: { intervalMs: 500 }, signing: { key: null }, access: {} });
  });

  it('reports all faults at once, of the service and of modules', () => {
    const error = faultsOf({ PORT: 'x', LOG_LEVEL: 'loud', INTERVAL_MS: '0' });
    expect(error.faults).toEqual([
      'PORT must be an integer from 0 to 65535',
      expect.stringMatching(/^LOG_LEVEL must be one of fatal, /),
      'INTERVAL_MS must be an integer from 1 to 60000',
    ]);
    for (const fault of error.faults) expect(error.message).toContain(`\n  ${fault}`);
  });

  it('never tells what was given', () => {
    const given = {
      DATABASE_URL: 'mysql://root:hunter2@db/inventory',
      REDIS_URL: 'hunter3',
      OPERATOR_API_KEY: 'hunter4',
      SIGNING_KEY: 'hunter5',
    };
    const error = faultsOf(given);
    expect(error.faults).toHaveLength(4);
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toMatch(/hunter|mysql/);
  });

  it.each(['postgres://u:p@h/d', 'postgresql://u:p@h:5432/d?sslmode=require'])('takes %s', (url) => {
    expect(loadConfig([], { DATABASE_URL: url }).databaseUrl).toBe(url);
  });

  it.each([
    ['31 characters', 'x'.repeat(31), false],
    ['32', 'x'.repeat(32), true],
    ['200', '~'.repeat(200), true],
    ['201', 'x'.repeat(201), false],
    ['a space', `${'x'.repeat(31)} x`, false],
    ['other letters', 'ä'.repeat(40), false],
  ])('an operator key of %s', (_what, key, usable) => {
    const load = () => loadConfig([], { OPERATOR_API_KEY: key });
    if (usable) expect(load().operatorApiKey).toBe(key);
    else expect(load).toThrow(ConfigError);
  });

  it('is frozen, sections too', () => {
    const config = loadConfig([liveness], {});
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.modules, { more: {} })).toThrow(TypeError);
    expect(() => Object.assign(config.modules.liveness ?? {}, { intervalMs: 1 })).toThrow(TypeError);
  });
});

it('has one name for each setting of the service', () => {
  const names = Object.values(coreSettings).map(({ env }) => env);
  expect(new Set(names).size).toBe(names.length);
});
