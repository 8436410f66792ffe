import { operation, writeProblems } from '../../../kernel/http/operation.ts';
import { IdParams } from '../../../kernel/http/params.ts';
import { batchBodyLimit, ref } from '../../../kernel/http/schemas.ts';
import type { App } from '../../../module.ts';
import { InventoryDiff, PutInventory } from './schemas.ts';
import type { SnapshotService } from './service.ts';

export function registerSnapshotRoutes(app: App, snapshots: SnapshotService): void {
  for (const schema of [PutInventory, InventoryDiff]) app.addSchema(schema);

  app.put(
    '/v1/nodes/:id/inventory',
    {
      config: { permission: 'inventory:write' },
      bodyLimit: batchBodyLimit,
      schema: {
        ...operation(
          'putNodeInventory',
          'nodes',
          'Report all GPUs of a node',
          'The full list of GPUs on the node, applied in one transaction. GPUs that are absent become `missing` and keep ' +
            'their ids. From an agent it is an observation and believed; from a provider it is a declaration, which ' +
            'cannot take away GPUs that are allocated.',
        ),
        params: IdParams,
        body: ref(PutInventory),
        response: { 200: ref(InventoryDiff), ...writeProblems(404) },
      },
    },
    async (request) => snapshots.put(request.ctx, request.params.id, request.body),
  );
}
