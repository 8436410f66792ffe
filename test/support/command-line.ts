import { run } from '../../src/cli/program.ts';
import { loadConfig } from '../../src/config/index.ts';
import { modules } from '../../src/modules.ts';

export interface CommandRun {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `depin-inventory <args>` in this process, with `env` for its environment. */
export async function runCommand(args: string[], env: Record<string, string> = {}): Promise<CommandRun> {
  const out: string[] = [];
  const notes: string[] = [];
  const code = await run(args, {
    config: () => loadConfig(modules, env),
    out: (text) => out.push(text),
    note: (text) => notes.push(text),
    exitCode: 0,
  });
  return { code, stdout: out.join('\n'), stderr: notes.join('\n') };
}

/** As `runCommand` with `--json`: the answer, parsed. */
export async function runJson<Answer = Record<string, unknown>>(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; answer: Answer }> {
  const { code, stdout } = await runCommand([...args, '--json'], env);
  return { code, answer: JSON.parse(stdout) as Answer };
}
