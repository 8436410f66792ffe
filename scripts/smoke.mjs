// Starts the built server from nothing, as `npm start` does, uses it once, and ends it. Run after `npm run build`.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const dataDir = await mkdtemp(join(tmpdir(), 'inv-smoke-'));
const port = await freePort();
const base = `http://127.0.0.1:${port}`;
const service = spawn(process.execPath, ['dist/main.js'], {
  env: {
    ...process.env,
    PORT: String(port),
    DATA_DIR: dataDir,
    LOG_LEVEL: 'warn',
    DATABASE_URL: '',
    REDIS_URL: '',
  },
  stdio: ['ignore', 'ignore', 'inherit'],
});
const ended = new Promise((resolve) => service.once('exit', (code) => resolve(code)));

const status = (path, headers) =>
  fetch(base + path, { headers }).then(
    (answer) => answer.status,
    () => 0,
  );

async function expectStatus(path, wanted, headers = {}) {
  const got = await status(path, headers);
  if (got !== wanted) throw new Error(`GET ${path}: ${got} instead of ${wanted}`);
  console.log(`GET ${path} ${got}`);
}

try {
  const deadline = Date.now() + 60_000;
  while ((await status('/ready')) !== 200) {
    if (service.exitCode !== null || Date.now() > deadline)
      throw new Error('The server did not become ready.');
    await delay(200);
  }
  const key = (await readFile(join(dataDir, 'operator.key'), 'utf8')).trim();
  for (const path of ['/live', '/ready', '/health', '/openapi.json', '/docs']) await expectStatus(path, 200);
  await expectStatus('/v1/gpus', 401);
  await expectStatus('/v1/gpus?limit=1', 200, { authorization: `Bearer ${key}` });
} finally {
  service.kill('SIGTERM');
  const code = await ended;
  console.log(`exit ${code}`);
  await rm(dataDir, { recursive: true, force: true });
  if (code !== 0) process.exitCode = 1;
}
