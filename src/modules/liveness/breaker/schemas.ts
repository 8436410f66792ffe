import { type Static, Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';
import { DateTime } from '../../../kernel/http/schemas.ts';

export const Breaker = Type.Object(
  {
    tripped: Type.Boolean({ description: 'Nodes are held back from judgement now.' }),
    trips: Type.Array(
      Type.Object({
        id: Uuid(),
        trippedAt: DateTime(),
        nodes: Type.Integer({
          description: 'How many became unknown at once; those that were deleted since apart.',
        }),
        watched: Type.Integer({ description: 'Of how many that were online or late.' }),
        unheard: Type.Integer({ description: 'How many of them have not been heard since.' }),
      }),
    ),
  },
  { $id: 'Breaker' },
);
export type Breaker = Static<typeof Breaker>;

export const ReleaseBreaker = Type.Object(
  { reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) },
  {
    $id: 'ReleaseBreaker',
    additionalProperties: false,
    examples: [{ reason: 'the provider confirms that its site is down' }],
  },
);

export const BreakerRelease = Type.Object(
  {
    trips: Type.Integer({ description: 'How many trips were released.' }),
    nodes: Type.Integer({ description: 'Nodes of them that had not been heard again.' }),
  },
  { $id: 'BreakerRelease' },
);
export type BreakerRelease = Static<typeof BreakerRelease>;
