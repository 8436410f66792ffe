import { createHash } from 'node:crypto';
import { type Backoff, backoffMs } from './backoff.ts';
import type { InventoryClient } from './client.ts';
import { ServiceError } from './service-error.ts';
import type { AgentState } from './state-file.ts';
import type { InventoryContent } from './wire.ts';

/** A refused inventory (somebody else holds the hardware, say) is tried again, but rarely: a person must act first. */
const REFUSED_BACKOFF: Backoff = { baseMs: 30_000, capMs: 600_000 };

export type PublishOutcome = 'published' | 'unchanged' | 'waiting';

/**
 * Publishes an inventory when it differs from the one that the service took last. Generations grow for ever: they
 * are epoch milliseconds, or one more than the last where the clock went back (`state.generation` remembers).
 */
export function inventoryPublisher(client: InventoryClient, clock: () => number, random: () => number) {
  let refusals = 0;
  let notBefore = 0;

  async function put(state: AgentState, content: InventoryContent): Promise<void> {
    state.generation = Math.max(clock(), state.generation + 1);
    await client.putInventory(state, { generation: state.generation, ...content });
  }

  /** The service may know a later generation than we do when our state was lost and the clock is behind. */
  async function putAfterCatchingUp(state: AgentState, content: InventoryContent): Promise<void> {
    try {
      await put(state, content);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'inventory.stale_generation') throw error;
      state.generation = Math.max(state.generation, await client.inventoryGeneration(state));
      await put(state, content);
    }
  }

  return {
    /**
     * Changes `state` (generation, digest); saving it is the caller's.
     * @throws {ServiceError} on any refusal; the next try then waits, while heartbeats may go on.
     */
    async publish(state: AgentState, content: InventoryContent): Promise<PublishOutcome> {
      const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
      if (digest === state.inventoryDigest) return 'unchanged';
      if (clock() < notBefore) return 'waiting';
      try {
        await putAfterCatchingUp(state, content);
      } catch (error) {
        const wait = error instanceof ServiceError ? error.retryAfterMs : 0;
        notBefore = clock() + backoffMs(refusals++, random, REFUSED_BACKOFF, wait);
        throw error;
      }
      refusals = 0;
      notBefore = 0;
      state.inventoryDigest = digest;
      return 'published';
    },
  };
}
