import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Runs a piece of ESM code in a Node of its own, from the package's root; it may import this project's TypeScript.
 * `args` are its `process.argv` from 1 on.
 */
export function startScript(
  code: string,
  args: string[] = [],
  env: Record<string, string> = {},
): ChildProcess {
  const flags = ['--import', './test/support/typescript.mjs', '--input-type=module', '--eval', code];
  return spawn(process.execPath, [...flags, '--', ...args], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** As `startScript`, to its end. */
export async function runScript(
  code: string,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = startScript(code, args, env);
  if (!child.stdout || !child.stderr) throw new Error('the child has no output');
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = await closed;
  return { code: status, stdout, stderr };
}
