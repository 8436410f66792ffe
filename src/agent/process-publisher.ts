import type { Identity, InventoryClient } from './client.ts';
import type { GpuDirectory } from './gpu-directory.ts';
import { ServiceError } from './service-error.ts';
import type { GpuReport } from './snapshot.ts';
import { processContent } from './wire.ts';

/** A list that did not change is sent again after this time: the service learns what has become of its allocation. */
const REPEAT_MS = 60_000;

interface Published {
  content: string;
  at: number;
}

/** Publishes the processes of each GPU when others run than before, and now and then what still runs. */
export function processPublisher(client: InventoryClient, directory: GpuDirectory, clock: () => number) {
  const published = new Map<string, Published>();

  const isDue = (uuid: string, content: string, isEmpty: boolean): boolean => {
    const before = published.get(uuid);
    return before?.content !== content || (!isEmpty && clock() - before.at >= REPEAT_MS);
  };

  async function publishOne(
    identity: Identity,
    generation: number,
    { uuid, processes }: GpuReport,
  ): Promise<boolean> {
    // How much memory they use changes all the time, and is no news by itself.
    const content = JSON.stringify(processes.map(({ pid, name }) => [pid, name]));
    if (!isDue(uuid, content, processes.length === 0)) return false;
    const id = await directory.idOf(identity, uuid);
    if (id === undefined) return false;
    await client.putProcesses(identity, id, { generation, processes: processContent(processes) });
    published.set(uuid, { content, at: clock() });
    return true;
  }

  return {
    /**
     * Answers how many lists it sent; `generation` must grow with every call. A list that is refused does not hold up
     * the others.
     * @throws {ServiceError} the first refusal, after all others were sent; at once when the service is away.
     */
    async publish(identity: Identity, generation: number, gpus: readonly GpuReport[]): Promise<number> {
      let lists = 0;
      let refusal: ServiceError | null = null;
      for (const gpu of gpus) {
        try {
          if (await publishOne(identity, generation, gpu)) lists++;
        } catch (error) {
          if (!(error instanceof ServiceError) || error.status === null) throw error;
          refusal ??= error;
        }
      }
      if (refusal) throw refusal;
      return lists;
    },
  };
}
