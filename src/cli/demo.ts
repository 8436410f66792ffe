import type { Command } from 'commander';
import { Api } from './api.ts';
import { webAddress } from './arguments.ts';
import { does, type Flags, type Outcome } from './command.ts';
import { assemble, type Cast, cleanUp } from './demo-cast.ts';
import { walk } from './demo-walk.ts';
import { exitCodes } from './exit-codes.ts';
import { addressOf } from './health.ts';
import { registerTrace } from './openb.ts';
import { operatorKey } from './operator-key.ts';
import type { Shell } from './shell.ts';
import { Story } from './story.ts';

interface DemoFlags extends Flags {
  url?: string;
  key?: string;
  openb?: string;
}

/**
 * `demo`: a walk through a running service. Exit code 1 where an answer is not the one that the walk tells of; the walk
 * cleans up after itself.
 */
export function demoCommand(program: Command, shell: Shell): void {
  does(
    program
      .command('demo')
      .description(
        'Show a running service at work: enrol, search, hold, confirm, fail, recover, verify, release',
      )
      .option('--url <address>', 'base address; by default that of the settings HOST and PORT', webAddress)
      .option('--key <key>', 'operator key; by default OPERATOR_API_KEY or DATA_DIR/operator.key')
      .option(
        '--openb <folder>',
        'instead register the nodes of openb_node_list_gpu_node.csv in this folder',
      ),
    shell,
    async (flags: DemoFlags) => {
      const operator = new Api(flags.url ?? addressOf(shell), flags.key ?? (await operatorKey(shell)));
      if (flags.openb !== undefined) return registerTrace(operator, flags.openb, (line) => shell.note(line));
      return demonstrate(operator, flags.json ? () => {} : (line) => shell.out(line));
    },
  );
}

async function demonstrate(operator: Api, tell: (line: string) => void): Promise<Outcome> {
  const story = new Story(tell);
  const stop = new AbortController();
  let cast: Cast | undefined;
  try {
    cast = await assemble(story, operator, stop.signal);
    await walk(story, cast);
  } finally {
    stop.abort();
    if (cast) await cleanUp(cast);
  }
  const { checks, requests, faults } = story;
  const verdict =
    faults.length === 0
      ? `Everything went as told: ${requests.length} requests, ${checks.length} checks.`
      : `${faults.length} of ${checks.length} checks failed: ${faults.map(({ sentence }) => sentence).join('; ')}.`;
  return {
    result: { ok: faults.length === 0, requests, checks },
    lines: ['', verdict],
    exitCode: faults.length === 0 ? exitCodes.ok : exitCodes.failed,
  };
}
