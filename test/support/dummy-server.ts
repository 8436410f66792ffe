import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface DummyServer {
  port: number;
  /** Resolves at the first message. */
  asked: Promise<unknown>;
  close(): Promise<void>;
}

/** Accepts connections and answers each message with `reply`, or never. */
export async function startDummyServer(reply?: string): Promise<DummyServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket
      .on('error', () => {})
      .on('data', () => {
        server.emit('asked');
        if (reply) socket.write(reply);
      });
  });
  const asked = once(server, 'asked');
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
