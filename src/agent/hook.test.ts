import { describe, expect, it } from '@jest/globals';
import { until } from '../../test/support/until.ts';
import { type HookError, runHook } from './hook.ts';

const call = (input = '') => ({ env: { WHAT: "it's $HOME" }, input, signal: new AbortController().signal });
const run = (command: string, timeoutMs = 60_000) => runHook({ command, timeoutMs }, call('given\n'));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a hook', () => {
  it('gets the environment and the input, and its output is answered', async () => {
    expect(await run('echo "$WHAT"; cat; echo wrong >&2')).toEqual({
      stdout: "it's $HOME\ngiven\n",
      stderr: 'wrong\n',
    });
  });

  it('need not read its input', async () => {
    const signal = new AbortController().signal;
    const input = 'x'.repeat(1_000_000);
    const said = await runHook({ command: 'exit 0', timeoutMs: 60_000 }, { env: {}, input, signal });
    expect(said.stdout).toBe('');
  });

  it.each([
    ['exit 7', 'ended with 7'],
    ['kill -KILL $$', 'was ended by SIGKILL'],
    ['no-such-command', 'ended with 127'],
  ])('that fails says how: %s', async (command, message) => {
    await expect(run(command)).rejects.toThrow(message);
  });

  it('is ended after its time, with what it has started', async () => {
    const failure: unknown = await run('sleep 600 & echo $!; sleep 600', 500).catch((error) => error);
    expect(failure).toMatchObject({
      message: 'took longer than 0.5 s',
      output: expect.stringMatching(/^\d+$/),
    });
    const started = Number((failure as HookError).output);
    await until('what it has started ends', () => !isAlive(started));
  });

  it('is ended when it says too much', async () => {
    await expect(run('yes')).rejects.toThrow('said more than');
  });

  it('is ended with the agent', async () => {
    const stop = new AbortController();
    const running = runHook({ command: 'sleep 600', timeoutMs: 60_000 }, { env: {}, signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toThrow('was ended with the agent');
  });

  it('may leave something in the background', async () => {
    expect((await run('echo begun; sleep 15 &')).stdout).toBe('begun\n');
  });
});
