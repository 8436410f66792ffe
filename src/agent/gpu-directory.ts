import type { Identity, InventoryClient } from './client.ts';

/** A GPU that the service does not know (its inventory was refused, say) is not asked for in every round. */
const ASK_AGAIN_MS = 60_000;

export type GpuDirectory = ReturnType<typeof gpuDirectory>;

/** The service's ids of the node's GPUs, asked for once. */
export function gpuDirectory(client: InventoryClient, clock: () => number) {
  let ids = new Map<string, string>();
  let askedAt = Number.NEGATIVE_INFINITY;
  return {
    /** Undefined where the service knows no GPU of this hardware uuid. */
    async idOf(identity: Identity, uuid: string): Promise<string | undefined> {
      if (!ids.has(uuid) && clock() - askedAt >= ASK_AGAIN_MS) {
        askedAt = clock();
        ids = await client.gpuIds(identity);
      }
      return ids.get(uuid);
    },

    /** Forgets them all, as after a new inventory. */
    forget(): void {
      ids.clear();
      askedAt = Number.NEGATIVE_INFINITY;
    },
  };
}
