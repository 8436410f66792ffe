import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

/** `body` is sent as JSON, text as it is; `hang` never answers. */
export type Answer = { status: number; body?: unknown; headers?: Record<string, string> } | 'hang';

export interface AgentService {
  url: string;
  requests: SeenRequest[];
  close(): Promise<void>;
}

/** A service of one rule on a free port of this machine: it keeps what it was asked and answers as `answer` says. */
export async function agentService(answer: (request: SeenRequest) => Answer): Promise<AgentService> {
  const requests: SeenRequest[] = [];
  const server = createServer(async (incoming, reply) => {
    const hasBody = Number(incoming.headers['content-length'] ?? 0) > 0;
    const request: SeenRequest = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      body: hasBody ? ((await json(incoming)) as Record<string, unknown>) : {},
    };
    requests.push(request);
    const answered = answer(request);
    if (answered === 'hang') return;
    reply.writeHead(answered.status, { 'content-type': 'application/json', ...answered.headers });
    reply.end(typeof answered.body === 'string' ? answered.body : JSON.stringify(answered.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
