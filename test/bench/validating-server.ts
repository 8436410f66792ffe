import { ref } from '../../src/kernel/http/schemas.ts';
import { createLogger } from '../../src/logger.ts';
import { HeartbeatInput } from '../../src/modules/liveness/schemas.ts';
import { jsonParser } from '../../src/plugins/json-parser.ts';
import { createServer } from '../../src/plugins/server/server.ts';

/**
 * The heartbeat route without all that it is for: it reads and validates its body and answers. No key, no database.
 * Prints its port.
 */
const app = createServer({ logger: createLogger('silent') });
await app.register(jsonParser);
app.addSchema(HeartbeatInput);
app.post('/v1/heartbeats', { schema: { body: ref(HeartbeatInput) } }, async (_request, reply) =>
  reply.code(202).send({ accepted: true }),
);
const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
process.stdout.write(url.port);
