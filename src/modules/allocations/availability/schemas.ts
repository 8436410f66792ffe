import { Type } from 'typebox';
import type { Collection } from '../../../kernel/db/list.ts';
import { filterQuerySchema } from '../../../kernel/filters/schema.ts';
import { Uuid } from '../../../kernel/http/params.ts';
import { Nullable } from '../../../kernel/http/schemas.ts';

/** What GPUs can be counted by. */
export const groupings = ['model', 'region', 'provider'] as const;
export type Grouping = (typeof groupings)[number];

const groupsAtMost = 1000;

const count = (description: string) => Type.Integer({ minimum: 0, description });
const price = (description: string) => Nullable(Type.String({ examples: ['250000000'], description }));

const Group = Type.Object({
  modelId: Type.Optional(Type.String({ description: 'With `groupBy=model`.' })),
  region: Type.Optional(Type.String({ description: 'With `groupBy=region`.' })),
  providerId: Type.Optional(Uuid({ description: 'With `groupBy=provider`.' })),
  total: count('All GPUs of the group: the sum of the next four.'),
  free: count('Could be claimed now.'),
  held: count('On hold for somebody.'),
  allocated: count('In use by somebody.'),
  unschedulable: count("In nobody's use, and may not be given out now."),
  largestBlock: count('The most of `free` that are on one node.'),
  pricePerHourNanoUsd: Type.Object(
    {
      min: price('The lowest.'),
      median: price('The lowest that half of them do not exceed.'),
      max: price('The highest.'),
    },
    { description: 'Of the free GPUs that have a price; null where there are none.' },
  ),
});

export const Availability = Type.Object(
  {
    items: Type.Array(Group, {
      description: 'The groups with most free GPUs first, then with most GPUs, then by their keys.',
    }),
    groups: count('How many groups there are, shown or not.'),
  },
  { $id: 'Availability' },
);

/** The filters of GPUs, what to group by, and how many groups to show; open, since the service refuses what is unknown. */
export const availabilityQuery = ({ filters }: Collection) =>
  Type.Object(
    {
      ...filterQuerySchema(filters).properties,
      groupBy: Type.String({
        pattern: `^(${groupings.join('|')})(,(${groupings.join('|')}))*$`,
        maxLength: 50,
        default: 'model',
        description: `One or several of ${groupings.join(', ')}, separated by commas.`,
      }),
      limit: Type.Integer({
        minimum: 1,
        maximum: groupsAtMost,
        default: groupsAtMost,
        description: 'How many groups to show.',
      }),
    },
    { additionalProperties: true },
  );
