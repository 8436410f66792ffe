import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';

interface Service {
  image?: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  profiles?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[]; interval: string; timeout: string };
  restart?: string;
}
interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const read = (name: string): Promise<string> => readFile(new URL(`../../${name}`, import.meta.url), 'utf8');
const compose = parse(await read('docker-compose.yml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const names = (list: readonly [string, Service][]): string[] => list.map(([name]) => name);

describe('docker-compose.yml', () => {
  it('brings the service, its database and its cache, and tools beside them by profile', () => {
    expect(names(services.filter(([, { profiles }]) => !profiles)).sort()).toEqual([
      'inventory',
      'migrate',
      'postgres',
      'redis',
    ]);
    expect(names(services.filter(([, { profiles }]) => profiles?.includes('tools'))).sort()).toEqual([
      'pgadmin',
      'redis-commander',
    ]);
  });

  it('watches the health of all that stays', () => {
    const unwatched = services.filter(
      ([name, { image, healthcheck }]) =>
        name !== 'migrate' && !healthcheck && !image?.startsWith('rediscommander/'),
    );
    expect(names(unwatched)).toEqual([]);
  });

  it('migrates before it serves, and waits for what each needs', () => {
    expect(compose.services.migrate?.command).toEqual(['node', 'dist/cli/main.js', 'migrate', 'up']);
    expect(compose.services.migrate?.restart).toBe('no');
    expect(compose.services.migrate?.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    expect(compose.services.inventory?.depends_on).toEqual({
      migrate: { condition: 'service_completed_successfully' },
      redis: { condition: 'service_healthy' },
    });
  });

  it('talks to the same database from both, and to Redis', () => {
    const { inventory, migrate } = compose.services;
    expect(inventory?.environment?.DATABASE_URL).toMatch(/^postgresql:\/\/\S+@postgres:5432\//);
    expect(migrate?.environment?.DATABASE_URL).toBe(inventory?.environment?.DATABASE_URL);
    expect(inventory?.environment?.REDIS_URL).toBe('redis://redis:6379');
  });

  it('opens ports to this machine alone', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect(compose.services.postgres?.ports ?? compose.services.redis?.ports).toBeUndefined();
  });

  it('keeps data in volumes that it declares', () => {
    const used = services.flatMap(([, service]) =>
      (service.volumes ?? []).map((volume) => volume.split(':')[0] ?? ''),
    );
    expect([...new Set(used)].sort()).toEqual(Object.keys(compose.volumes).sort());
  });

  it('pins what a service rests on to a major version at least', () => {
    const images = services.flatMap(([, { image, profiles }]) => (image && !profiles ? [image] : []));
    expect(images.filter((image) => !/:\D*\d/.test(image))).toEqual([]);
  });
});

describe('the image', () => {
  /** Its stages, each a list of instructions; the last is what ships. */
  const stages = async (): Promise<string[][]> => {
    const text = (await read('Dockerfile')).replaceAll(/\\\n/g, ' ');
    const instructions = text.split('\n').filter((line) => /^[A-Z]+ /.test(line));
    const starts = instructions.flatMap((line, index) => (line.startsWith('FROM ') ? [index] : []));
    return starts.map((start, stage) => instructions.slice(start, starts[stage + 1]));
  };

  it('runs as nobody special, and says when it is alive', async () => {
    const shipped = (await stages()).at(-1) ?? [];
    expect(shipped).toContain('USER node');
    const after = shipped.slice(shipped.indexOf('USER node'));
    expect(after.filter((line) => /^(RUN|COPY|ADD) /.test(line))).toEqual([]);
    expect(shipped.find((line) => line.startsWith('HEALTHCHECK '))).toContain('/live');
  });

  it('is started as `npm start` starts the service', async () => {
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: { start: string } };
    const command = scripts.start.split(' ').map((part) => JSON.stringify(part));
    expect((await stages()).at(-1)).toContain(`CMD [${command.join(', ')}]`);
  });

  it('holds what production needs and no development dependency', async () => {
    const [, dependencies = [], shipped = []] = await stages();
    expect(dependencies.some((line) => line.includes('npm ci --omit=dev'))).toBe(true);
    const modules = shipped.filter((line) => line.includes('node_modules'));
    expect(modules).toEqual(['COPY --from=dependencies /app/node_modules node_modules']);
    expect(shipped.filter((line) => /npm (ci|install)/.test(line))).toEqual([]);
    for (const path of ['dist', 'prisma/migrations', 'docs', 'openapi'])
      expect(shipped.join('\n')).toContain(path);
  });

  it('copies nothing that .dockerignore leaves out', async () => {
    const letIn = (await read('.dockerignore')).split('\n').filter((line) => line.startsWith('!'));
    const patterns = letIn.map(
      (line) => new RegExp(`^${line.slice(1).replaceAll('.', '[.]').replace('*', '.*')}`),
    );
    const copied = (await stages())
      .flat()
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
      .flatMap((line) => line.split(/\s+/).slice(1, -1));
    expect(copied.filter((path) => !patterns.some((pattern) => pattern.test(path)))).toEqual([]);
  });

  it('runs a Node that the package takes, on every stage', async () => {
    const { engines } = JSON.parse(await read('package.json'));
    const bases = (await stages()).map(([from = '']) => from.split(/\s+/)[1]);
    expect(new Set(bases).size).toBe(1);
    expect(engines.node).toBe('>=20.19');
    expect(Number(/^node:(\d+)-/.exec(bases[0] ?? '')?.[1])).toBeGreaterThanOrEqual(20);
  });
});
