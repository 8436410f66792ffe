import { join } from 'node:path';
import type { Api } from './api.ts';
import type { Outcome } from './command.ts';
import { eachOf } from './each-of.ts';
import { exitCodes } from './exit-codes.ts';
import { gpuInputs, hardwareName } from './openb/hardware.ts';
import { readNodes, type TraceNode } from './openb/trace.ts';
import { table } from './table.ts';

const email = 'openb-trace@example.test';
const atOnce = 8;

/**
 * Registers the trace's nodes and GPUs through the API, reads all GPUs back and compares the totals by model with the
 * file; exit code 1 where they differ. What is there already is found by its natural key (e-mail, hostname, hardware
 * uuid), so that a second run changes nothing.
 */
export async function registerTrace(
  api: Api,
  folder: string,
  progress: (line: string) => void,
): Promise<Outcome> {
  const nodes = await readNodes(join(folder, 'openb_node_list_gpu_node.csv'));
  const provider = await providerOf(api);
  const known = new Map<string, string>();
  for await (const { id, hostname } of api.walk<{ id: string; hostname: string }>(
    `/v1/nodes?providerId=${provider}&fields=id,hostname`,
  ))
    known.set(hostname, id);
  let done = 0;
  await eachOf(nodes, atOnce, async (node) => {
    const id = known.get(node.name) ?? (await createNode(api, provider, node.name));
    await putInventory(api, id, node);
    if (++done % 200 === 0 || done === nodes.length) progress(`${done} of ${nodes.length} nodes`);
  });
  return compare(nodes, await countByName(api, provider));
}

async function providerOf(api: Api): Promise<string> {
  const found = await api.get<{ items: { id: string }[] }>(
    `/v1/providers?email=${encodeURIComponent(email)}&limit=1`,
  );
  const provider = { name: 'OpenB trace', email, region: 'cn', kind: 'datacenter' };
  return found.items[0]?.id ?? (await api.post<{ id: string }>('/v1/providers', provider)).id;
}

const createNode = async (api: Api, providerId: string, hostname: string): Promise<string> =>
  (await api.post<{ id: string }>('/v1/nodes', { providerId, hostname })).id;

/** Equal generation and equal content is no change. */
const putInventory = (api: Api, nodeId: string, node: TraceNode): Promise<object> =>
  api.put(`/v1/nodes/${nodeId}/inventory`, {
    generation: 1,
    system: { cpuCores: node.cpuCores, memoryTotalMb: node.memoryTotalMb },
    gpus: gpuInputs(node),
  });

interface Counted {
  count: number;
  modelId: string;
}

async function countByName(api: Api, provider: string): Promise<Map<string, Counted>> {
  const counted = new Map<string, Counted>();
  for await (const { name, modelId } of api.walk<{ name: string; modelId: string }>(
    `/v1/gpus?providerId=${provider}&fields=id,name,modelId`,
  ))
    counted.set(name, { count: (counted.get(name)?.count ?? 0) + 1, modelId });
  return counted;
}

function compare(nodes: readonly TraceNode[], counted: ReadonlyMap<string, Counted>): Outcome {
  const inFile = new Map<string, number>();
  for (const { model, gpus } of nodes) inFile.set(model, (inFile.get(model) ?? 0) + gpus);
  const totals = [...inFile]
    .toSorted(([, a], [, b]) => b - a)
    .map(([model, gpus]) => {
      const found = counted.get(hardwareName(model));
      return { model, modelId: found?.modelId ?? null, inFile: gpus, inService: found?.count ?? 0 };
    });
  const gpus = totals.reduce((sum, { inService }) => sum + inService, 0);
  const ok = totals.every((total) => total.inFile === total.inService) && counted.size === totals.length;
  return {
    result: { ok, nodes: nodes.length, gpus, totals },
    lines: [
      ...table(
        ['TRACE', 'MODEL', 'IN FILE', 'IN SERVICE'],
        totals.map((total) => [
          total.model,
          total.modelId ?? '-',
          String(total.inFile),
          String(total.inService),
        ]),
      ),
      '',
      `${nodes.length} nodes, ${gpus} GPUs: ${ok ? 'as in the file.' : 'NOT as in the file.'}`,
    ],
    exitCode: ok ? exitCodes.ok : exitCodes.failed,
  };
}
