import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Driver, DriverError } from './driver.ts';
import { parseSnapshot } from './parse-snapshot.ts';

const run = promisify(execFile);

/** The command that is asked, argument by argument: no shell is involved. */
export interface Tool {
  command: string;
  args: string[];
}

const nvidiaSmi: Tool = { command: 'nvidia-smi', args: ['-q', '-x'] };

/** `--showhw` prints a table even with `--json`, hence the single switches. */
const rocmSmi: Tool = {
  command: 'rocm-smi',
  args: [
    ...['--showid', '--showuniqueid', '--showserial', '--showproductname', '--showbus', '--showvbios'],
    ...['--showdriverversion', '--showmeminfo', 'vram', '--showuse', '--showmemuse', '--showtemp'],
    ...['--showpower', '--showmaxpower', '--showfan', '--showclocks', '--json'],
  ],
};

/** nvidia-smi takes seconds where no persistence daemon keeps the driver loaded; a lost GPU may hang it for good. */
const TIMEOUT_MS = 30_000;

/** Asks the first of `tools` that is installed. */
export function smiDriver(tools: Tool[] = [nvidiaSmi, rocmSmi]): Driver {
  return {
    async read(scope, signal) {
      for (const tool of tools) {
        const text = await output(tool, signal);
        if (text !== null) return parseSnapshot(text, scope);
      }
      throw new DriverError(`None of ${tools.map((tool) => tool.command).join(', ')} is installed.`);
    },
  };
}

/** What the tool prints, or `null` where there is no such command. */
async function output(tool: Tool, signal?: AbortSignal): Promise<string | null> {
  const options = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 64 * 1_048_576 } as const;
  try {
    const { stdout } = await run(tool.command, tool.args, signal ? { ...options, signal } : options);
    return stdout;
  } catch (cause) {
    const { code, stderr } = cause as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') return null;
    const reason = stderr?.trim() || (cause instanceof Error ? cause.message : String(cause));
    throw new DriverError(`${tool.command} failed: ${reason}`, { cause });
  }
}
