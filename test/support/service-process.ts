import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/kernel/free-port.ts';
import { startScript } from './run-typescript.ts';
import { until } from './until.ts';

export interface ServiceProcess {
  url: string;
  pid: number;
  /** What it has said so far, on both outputs. */
  said(): string;
  /** Status and problem code of `/ready`; 0 where nobody answers. */
  ready(): Promise<{ status: number; code: string }>;
  /** Ends it by SIGTERM; its exit code. */
  stop(): Promise<number | null>;
}

/** The service as its users run it: a process of its own. Returns when it listens, ready or not. */
export async function startServiceProcess(env: Record<string, string>): Promise<ServiceProcess> {
  const dataDir = mkdtempSync(join(tmpdir(), 'inv-data-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = startScript(`await import('./src/main.ts')`, [], {
    PORT: String(port),
    LOG_LEVEL: 'error',
    DATA_DIR: dataDir,
    RATE_LIMIT_ENABLED: 'false',
    ...env,
  });
  const exited = once(child, 'exit');
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output?.on('data', (bytes) => {
      said += String(bytes);
    });
  }
  const ready = async () => {
    const answer = await fetch(`${url}/ready`).catch(() => null);
    if (!answer) return { status: 0, code: '' };
    const { code = '' } = (await answer.json()) as { code?: string };
    return { status: answer.status, code };
  };
  const listens = async () => {
    if (child.exitCode !== null) throw new Error(`The service has ended:\n${said}`);
    return (await ready()).status > 0;
  };
  await until('the service listens', listens, 30_000).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    url,
    pid: child.pid ?? 0,
    said: () => said,
    ready,
    stop: async () => {
      if (child.exitCode === null) child.kill('SIGTERM');
      const [code] = await exited;
      rmSync(dataDir, { recursive: true, force: true });
      return code;
    },
  };
}
