import { Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';
import { ref } from '../../../kernel/http/schemas.ts';
import { SystemInput } from '../fields.ts';
import { GpuInput } from '../gpus/schemas.ts';

const generation = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Grows with every snapshot of the node; an older one is refused.',
});

export const PutInventory = Type.Object(
  {
    generation,
    complete: Type.Boolean({
      default: true,
      description: 'false: GPUs that are not listed may still be there.',
    }),
    confirmEmpty: Type.Boolean({
      default: false,
      description: 'true: an empty list means that there is no GPU.',
    }),
    system: Type.Optional(ref(SystemInput)),
    gpus: Type.Array(ref(GpuInput), { maxItems: 1000 }),
  },
  {
    $id: 'PutInventory',
    additionalProperties: false,
    required: ['generation', 'gpus'],
    examples: [
      {
        generation: 1,
        complete: true,
        gpus: [
          {
            uuid: 'GPU-2f3a8d1c-7b64-4e0a-9c55-0d1e2f3a4b5c',
            index: 0,
            pciBusId: '0000:03:00.0',
            pciDeviceId: '10de:2684',
            vendor: 'nvidia',
            name: 'NVIDIA GeForce RTX 4090',
            specs: { memoryTotalMb: 24564 },
          },
        ],
      },
    ],
  },
);

/** How a snapshot touched the GPUs of a node: five lists without a GPU in common. */
export const snapshotLists = ['added', 'updated', 'unchanged', 'missing', 'returned'] as const;

type Lists<S> = Record<(typeof snapshotLists)[number], S>;
const each = <S>(schema: S) => Object.fromEntries(snapshotLists.map((name) => [name, schema])) as Lists<S>;

export const InventoryDiff = Type.Object(
  {
    generation,
    ...each(Type.Array(Uuid(), { description: 'Ids of GPUs.' })),
    counts: Type.Object(each(Type.Integer({ minimum: 0 }))),
    warnings: Type.Array(Type.String(), {
      description:
        '`inventory.empty_unconfirmed`: an empty list without `confirmEmpty` marks nothing as missing.',
    }),
  },
  { $id: 'InventoryDiff' },
);
