import type { Send } from './load.ts';

/** What a request answers, which must be served. */
export const made = async <T>(send: Send, path: string, body: object): Promise<T> => {
  const { status, text } = await send({ method: 'POST', path, body });
  if (status >= 300) throw new Error(`${path}: ${status} ${text.slice(0, 300)}`);
  return JSON.parse(text) as T;
};

/** The id of a node that takes work, of a provider of its own, with so many equal GPUs; `name` is nobody else's. */
export async function openNode(send: Send, name: string, gpus: number): Promise<string> {
  const inputs = Array.from({ length: gpus }, (_, index) => ({
    uuid: `GPU-${name}-${index}`,
    index,
    vendor: 'nvidia',
    name: 'NVIDIA H100 80GB HBM3',
    specs: { memoryTotalMb: 81_559 },
  }));
  const provider = await made<{ nodes: { id: string }[] }>(send, '/v1/providers', {
    name,
    email: `${name}@bench.example`,
    region: 'us-east',
    nodes: [{ hostname: name, gpus: inputs }],
  });
  const nodeId = provider.nodes[0]?.id ?? '';
  await made(send, '/v1/heartbeats', { nodeId, sequence: 1, status: 'healthy' });
  return nodeId;
}
