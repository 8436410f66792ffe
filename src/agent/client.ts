import { createHash } from 'node:crypto';
import { refusal, ServiceError } from './service-error.ts';
import { at, listAt } from './values.ts';
import {
  type Challenge,
  type Directive,
  directivesIn,
  type HeartbeatBody,
  type InventoryBody,
  type NodeSystem,
  type ProcessesBody,
  type UsageSample,
} from './wire.ts';

/** Who we are to the service: one node and its own key. */
export interface Identity {
  nodeId: string;
  apiKey: string;
}

export interface HeartbeatAnswer {
  accepted: boolean;
  ignoredReason: string | null;
  nextHeartbeatInMs: number;
  directives: Directive[];
}

export interface ClientOptions {
  /** Base address of the service, such as `https://inventory.example:3000`. */
  url: string;
  /** Ends requests in flight. */
  signal?: AbortSignal;
  timeoutMs?: number;
  clock?: () => number;
}

export type InventoryClient = ReturnType<typeof inventoryClient>;

/** The calls that an agent makes. All throw {@link ServiceError}. */
export function inventoryClient({ url, signal, timeoutMs = 10_000, clock = Date.now }: ClientOptions) {
  const base = url.replace(/\/+$/, '');

  async function call(method: string, path: string, request: CallRequest): Promise<unknown> {
    const { status, headers, body } = await exchange(method, path, request);
    if (status < 200 || status > 299) throw refusal(status, headers, body, clock());
    try {
      return JSON.parse(body);
    } catch (cause) {
      throw unexpected(path, status, cause);
    }
  }

  async function exchange(method: string, path: string, { apiKey, body, headers }: CallRequest) {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(`${base}${path}`, {
        method,
        headers: {
          accept: 'application/json, application/problem+json',
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? null : JSON.stringify(body),
        redirect: 'error',
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      return { status: response.status, headers: response.headers, body: await response.text() };
    } catch (cause) {
      if (signal?.aborted) throw cause;
      const reason = timeout.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause);
      throw new ServiceError(`${base} cannot be reached: ${reason}`, {
        status: null,
        code: 'client.unreachable',
        cause,
      });
    }
  }

  return {
    /** Trades a one-time token for the node's own key; safe to repeat when the answer was lost. */
    async enroll(token: string, hostname: string, system: NodeSystem): Promise<Identity> {
      const answer = await call('POST', '/v1/nodes/enroll', {
        body: { token, hostname, system },
        headers: { 'idempotency-key': `enroll-${createHash('sha256').update(token).digest('hex')}` },
      });
      return { nodeId: text(answer, 'node.id'), apiKey: text(answer, 'apiKey') };
    },

    /** The node that an agent key belongs to. */
    async ownNodeId(apiKey: string): Promise<string> {
      return text(await call('GET', '/v1/whoami', { apiKey }), 'nodeId');
    },

    /** The generation of the last snapshot that the service holds of this node. */
    async inventoryGeneration({ nodeId, apiKey }: Identity): Promise<number> {
      return number(await call('GET', `/v1/nodes/${nodeId}`, { apiKey }), 'inventoryGeneration');
    },

    async putInventory({ nodeId, apiKey }: Identity, body: InventoryBody): Promise<void> {
      await call('PUT', `/v1/nodes/${nodeId}/inventory`, { apiKey, body });
    },

    /** The service's ids of the node's GPUs, by their hardware uuids. */
    async gpuIds({ nodeId, apiKey }: Identity): Promise<Map<string, string>> {
      const ids = new Map<string, string>();
      let cursor = '';
      do {
        const query = `nodeId=${nodeId}&fields=uuid&limit=500${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
        const page = await call('GET', `/v1/gpus?${query}`, { apiKey });
        for (const item of listAt(page, 'items')) ids.set(text(item, 'uuid'), text(item, 'id'));
        cursor = String(at(page, 'nextCursor') ?? '');
      } while (cursor !== '');
      return ids;
    },

    async putProcesses({ apiKey }: Identity, gpuId: string, body: ProcessesBody): Promise<void> {
      await call('PUT', `/v1/gpus/${gpuId}/processes`, { apiKey, body });
    },

    async challenge({ apiKey }: Identity, id: string): Promise<Challenge> {
      const answer = await call('GET', `/v1/verifications/${id}`, { apiKey });
      return {
        id,
        gpuId: text(answer, 'gpuId'),
        kind: text(answer, 'kind'),
        nonce: text(answer, 'nonce'),
        expiresAt: text(answer, 'expiresAt'),
      };
    },

    /** The hardware uuid of a GPU that the service knows by this id. */
    async gpuUuid({ apiKey }: Identity, gpuId: string): Promise<string> {
      return text(await call('GET', `/v1/gpus/${gpuId}`, { apiKey }), 'uuid');
    },

    async submitEvidence({ apiKey }: Identity, { id, nonce }: Challenge, evidence: object): Promise<void> {
      await call('POST', `/v1/verifications/${id}/evidence`, { apiKey, body: { nonce, evidence } });
    },

    /** Answers how many of the samples the service would not take. */
    async recordUsage({ apiKey }: Identity, samples: readonly UsageSample[]): Promise<{ rejected: number }> {
      const answer = await call('POST', '/v1/usage-metrics', { apiKey, body: { samples } });
      return { rejected: listAt(answer, 'rejected').length };
    },

    async sendHeartbeat({ apiKey }: Identity, body: HeartbeatBody): Promise<HeartbeatAnswer> {
      const answer = await call('POST', '/v1/heartbeats', { apiKey, body });
      const ignoredReason = at(answer, 'ignoredReason');
      return {
        accepted: at(answer, 'accepted') === true,
        ignoredReason: typeof ignoredReason === 'string' ? ignoredReason : null,
        nextHeartbeatInMs: number(answer, 'nextHeartbeatInMs'),
        directives: directivesIn(answer),
      };
    },
  };
}

interface CallRequest {
  apiKey?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

const unexpected = (what: string, status: number | null, cause?: unknown): ServiceError =>
  new ServiceError(`The answer is not one of this service: ${what}.`, {
    status,
    code: 'client.unexpected_answer',
    cause,
  });

function text(answer: unknown, path: string): string {
  const value = at(answer, path);
  if (typeof value !== 'string' || value === '') throw unexpected(`no ${path}`, null);
  return value;
}

function number(answer: unknown, path: string): number {
  const value = at(answer, path);
  if (typeof value !== 'number') throw unexpected(`no ${path}`, null);
  return value;
}

/** undici hides why under `cause` (`fetch failed` alone helps nobody), and a failed pair of addresses has but a code. */
function reasonOf(error: unknown): string {
  const cause = at(error, 'cause');
  if (cause) return reasonOf(cause);
  return String(at(error, 'message') || at(error, 'code') || error);
}
