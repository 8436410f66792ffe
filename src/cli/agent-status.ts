import type { Command } from 'commander';
import { stateFile } from '../agent/index.ts';
import { does, type Flags, type Outcome } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import type { Shell } from './shell.ts';

/** Where an agent keeps its key and counters unless told otherwise. */
export const stateDir = '.data/agent';

export function agentStatusCommand(group: Command, shell: Shell): void {
  const command = group
    .command('status')
    .description(
      'Show what the agent of this machine keeps: its node, how far it has counted, whether it drains',
    )
    .option('--state-dir <directory>', 'where key and counters are kept', stateDir);
  does(command, shell, status);
}

/** Without the key, which nobody needs to see. */
async function status(flags: Flags & { stateDir: string }): Promise<Outcome> {
  const state = await stateFile(flags.stateDir).load();
  if (!state) throw new Failure(`There is no agent in ${flags.stateDir}.`, exitCodes.unreadable);
  const { url, nodeId, generation, sequence, drain } = state;
  return {
    result: { url, nodeId, generation, sequence, drain },
    lines: [
      `node        ${nodeId} at ${url}`,
      `inventory   generation ${generation}`,
      `heartbeat   sequence ${sequence}`,
      `draining    ${drain ? drainText(drain) : 'no'}`,
    ],
  };
}

const drainText = ({ deadlineAt, isTold }: { deadlineAt: string | null; isTold: boolean }): string =>
  `${deadlineAt ? `until ${deadlineAt}` : 'without a deadline'}${isTold ? '' : ', the command has not ended yet'}`;
