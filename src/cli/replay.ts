import { rm } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { startEmbedded } from '../kernel/db/embedded.ts';
import { temporaryHome } from '../kernel/db/temporary-home.ts';
import { newId } from '../kernel/ids.ts';
import { migrateUp } from '../kernel/migrations.ts';
import { objectiveNames } from '../modules/allocations/index.ts';
import { Api } from './api.ts';
import { positiveInteger, webAddress } from './arguments.ts';
import { does, type Flags, type Outcome } from './command.ts';
import { verify } from './db-verify.ts';
import { exitCodes } from './exit-codes.ts';
import { readNodes, readTasks, type Task, type TraceNode } from './openb/trace.ts';
import { operatorKey } from './operator-key.ts';
import { withOwnService } from './own-service.ts';
import { Books } from './replay/books.ts';
import { Cluster } from './replay/cluster.ts';
import { Replayer, type Tally } from './replay/replayer.ts';
import type { Shell } from './shell.ts';

interface ReplayFlags extends Flags {
  nodes: string;
  tasks: string;
  release: boolean;
  objective?: string;
  nodesLimit?: number;
  url?: string;
  key?: string;
}

/**
 * `replay`: a recorded cluster and what was asked of it, through the API, one request after the other. Without `--url`
 * on a service and a database of its own, made for it and thrown away. Exit code 1 where an invariant is broken.
 */
export function replayCommand(program: Command, shell: Shell): void {
  does(
    program
      .command('replay')
      .description('Replay the tasks of a recorded cluster, and check what they were given')
      .requiredOption('--nodes <csv>', 'machines: sn, cpu_milli, memory_mib, gpu, model (OpenB)')
      .requiredOption(
        '--tasks <csv>',
        'tasks: name, num_gpu, gpu_milli, and gpu_spec, creation_time, deletion_time where known; .csv or .csv.gz',
      )
      .option('--no-release', 'let nothing end: how much fits')
      .addOption(
        new Option('--objective <name>', "what is best; by default the service's own").choices([
          ...objectiveNames,
        ]),
      )
      .option('--nodes-limit <n>', 'only the first n machines that have GPUs', positiveInteger)
      .option('--url <address>', 'a running service, instead of one made for this', webAddress)
      .option('--key <key>', 'its operator key; by default OPERATOR_API_KEY or DATA_DIR/operator.key'),
    shell,
    async (flags: ReplayFlags) => {
      const machines = (await readNodes(flags.nodes)).filter(({ gpus }) => gpus > 0);
      const trace = { nodes: machines.slice(0, flags.nodesLimit), tasks: await readTasks(flags.tasks) };
      if (flags.url === undefined) return onOwnService(shell, flags, trace);
      const api = new Api(flags.url, flags.key ?? (await operatorKey(shell)));
      return replay(shell, api, flags, trace);
    },
  );
}

interface Trace {
  nodes: readonly TraceNode[];
  tasks: readonly Task[];
}

/** From nothing: what the service chooses depends on nobody else then. */
async function onOwnService(shell: Shell, flags: ReplayFlags, trace: Trace): Promise<Outcome> {
  const dataDir = await temporaryHome('depin-replay-');
  const embedded = await startEmbedded({ dataDir, log: { warn: () => {}, error: () => {} } });
  try {
    await migrateUp(embedded.ownerUrl);
    const config = { ...shell.config(), dataDir, databaseUrl: embedded.url, redisUrl: null };
    const outcome = await withOwnService({ purpose: 'replay', config }, (api) =>
      replay(shell, api, flags, trace),
    );
    return combined(outcome, await verify(embedded.ownerUrl, config));
  } finally {
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function replay(shell: Shell, api: Api, flags: ReplayFlags, { nodes, tasks }: Trace): Promise<Outcome> {
  const salt = flags.url === undefined ? '' : `${newId().slice(-12)}-`;
  const cluster = new Cluster(api);
  await cluster.register(nodes, salt);
  shell.note(`${nodes.length} nodes, ${cluster.nodeOf.size} GPUs are registered`);
  const tenant = await api.post<{ id: string }>('/v1/tenants', { name: `Replay ${salt}` });
  const books = new Books(cluster);
  const replayer = new Replayer(api, cluster, books, {
    tenantId: tenant.id,
    objective: flags.objective ?? null,
    releases: flags.release,
    progress: (line) => shell.note(line),
  });
  const asked = tasks.filter(({ gpus }) => gpus > 0);
  await replayer.run(asked);
  await books.audit(api);
  const inUse = { peak: books.peak / 1000, atTheEnd: books.inUse / 1000, of: cluster.nodeOf.size };
  if (flags.url !== undefined) await replayer.releaseAll();
  return outcomeOf(
    replayer.tally,
    { tasks: tasks.length, withoutGpu: tasks.length - asked.length, inUse },
    books,
  );
}

interface Frame {
  tasks: number;
  withoutGpu: number;
  inUse: { peak: number; atTheEnd: number; of: number };
}

const shownAtMost = 5;

function outcomeOf(tally: Tally, frame: Frame, { faults }: Books): Outcome {
  const { requests, accepted, refused, firstRefusal: first, fractions } = tally;
  const { peak, atTheEnd, of } = frame.inUse;
  const ok = faults.length === 0;
  return {
    result: { ok, ...frame, ...tally, faults },
    lines: [
      `${frame.tasks} tasks, ${frame.withoutGpu} of them without a GPU: ${requests} requests`,
      `accepted       ${accepted}`,
      `refused        ${refused}`,
      first
        ? `first refusal  ${first.task}, request ${first.request}, at ${first.at} s, for ${first.gpus} GPUs, with ${first.inUse} in use`
        : 'first refusal  none',
      `peak in use    ${peak} of ${of} GPUs; ${atTheEnd} at the end`,
      `fractions      ${fractions.requests} requests for a part of one GPU, asked ${fractions.asked}`,
      `books          ${ok ? 'no GPU twice, one node each, counts as recounted' : `${faults.length} faults`}`,
      ...faults.slice(0, shownAtMost).map((fault) => `  ${fault}`),
    ],
    exitCode: ok ? exitCodes.ok : exitCodes.failed,
  };
}

/** The replay with what `db verify` found afterwards. */
function combined(replayed: Outcome, verified: Outcome): Outcome {
  const { result, lines, exitCode } = replayed;
  const ok = exitCode === exitCodes.ok && verified.exitCode === exitCodes.ok;
  return {
    result: { ...result, ok, verified: verified.result },
    lines: [...lines, '', ...verified.lines],
    exitCode: ok ? exitCodes.ok : exitCodes.failed,
  };
}
