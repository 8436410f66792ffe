import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';

/** What a wire holds back: all bytes, as a network that swallows them, or the server's answers alone. */
export type Held = 'all' | 'answers' | null;

export interface TcpProxy {
  port: number;
  /** Breaks all connections; new ones go to `port`, or nowhere at all for null. */
  lead(port: number | null): void;
  /** Keeps connections open, new ones too, and holds their bytes back until `hold(null)`. */
  hold(what: Held): void;
  /** Lets bytes with this text through to the server, and holds back its answers from there on. */
  holdAnswersTo(text: string): void;
  close(): Promise<void>;
}

interface Wire {
  client: Socket;
  /** What the client sends, on its way to the server. */
  sent: PassThrough;
  upstream: Socket;
}

/** A wire that can be cut, muted, or led to another server on this machine. */
export async function startTcpProxy(port: number): Promise<TcpProxy> {
  let target: number | null = port;
  let held: Held = null;
  let awaited: string | null = null;
  const wires = new Set<Wire>();
  const hold = (what: Held) => {
    held = what;
    for (const wire of wires) pass(wire, held);
  };
  const watch = (bytes: Buffer) => {
    if (awaited === null || !bytes.includes(awaited)) return;
    awaited = null;
    hold('answers');
  };
  const server = createServer((client) => {
    client.on('error', () => {});
    if (target === null) return client.destroy();
    const upstream = connect(target, '127.0.0.1').on('error', () => {});
    const wire = { client, sent: new PassThrough(), upstream };
    wire.sent.on('data', watch).pipe(upstream);
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
    hold,
    holdAnswersTo: (text) => {
      awaited = text;
    },
    close: async () => {
      server.close();
      breakAll();
      await once(server, 'close');
    },
  };
}

function pass({ client, sent, upstream }: Wire, held: Held): void {
  client.unpipe();
  upstream.unpipe();
  if (held !== 'all') client.pipe(sent);
  if (held === null) upstream.pipe(client);
}
