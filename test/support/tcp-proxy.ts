import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a wire holds back: all bytes, as a network that swallows them, or the server's answers alone. */
export type Held = 'all' | 'answers' | null;

export interface TcpProxy {
  port: number;
  /** Breaks all connections; new ones go to `port`, or nowhere at all for null. */
  lead(port: number | null): void;
  /** Keeps connections open, new ones too, and holds their bytes back until `hold(null)`. */
  hold(what: Held): void;
  close(): Promise<void>;
}

interface Wire {
  client: Socket;
  upstream: Socket;
}

/** A wire that can be cut, muted, or led to another server on this machine. */
export async function startTcpProxy(port: number): Promise<TcpProxy> {
  let target: number | null = port;
  let held: Held = null;
  const wires = new Set<Wire>();
  const server = createServer((client) => {
    client.on('error', () => {});
    if (target === null) return client.destroy();
    const upstream = connect(target, '127.0.0.1').on('error', () => {});
    const wire = { client, upstream };
    wires.add(wire);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => {
      wires.delete(wire);
      client.destroy();
    });
    return pass(wire, held);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const breakAll = () => {
    for (const { client, upstream } of wires) {
      client.destroy();
      upstream.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    lead: (to) => {
      target = to;
      breakAll();
    },
    hold: (what) => {
      held = what;
      for (const wire of wires) pass(wire, held);
    },
    close: async () => {
      server.close();
      breakAll();
      await once(server, 'close');
    },
  };
}

function pass({ client, upstream }: Wire, held: Held): void {
  client.unpipe();
  upstream.unpipe();
  if (held !== 'all') client.pipe(upstream);
  if (held === null) upstream.pipe(client);
}
