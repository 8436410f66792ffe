import { Type } from 'typebox';
import { Nullable } from '../../kernel/http/schemas.ts';

/** Free text that a region is named with. */
export const Region = () =>
  Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$', maxLength: 64, examples: ['eu-central'] });

export const Hostname = () =>
  Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$', maxLength: 253, examples: ['gpu-node-01'] });

export const Email = () =>
  Type.String({
    pattern: '^[^\\s@]{1,64}@[^\\s@]+\\.[^\\s@]+$',
    maxLength: 254,
    examples: ['ops@provider.example'],
  });

export const WalletAddress = () =>
  Type.String({
    pattern: '^[\\x21-\\x7e]{1,128}$',
    maxLength: 128,
    examples: ['0x52908400098527886e0f7030069857d2e4169ee7'],
  });

const labelKey = '^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$';
const labelValue = Type.String({ minLength: 1, maxLength: 256 });

/** Free labels, text to text: what filters find as `labels.<key>`. */
export const Labels = () =>
  Type.Unsafe<Record<string, string>>({
    type: 'object',
    patternProperties: { [labelKey]: labelValue },
    additionalProperties: false,
    maxProperties: 64,
    examples: [{ rack: 'b12' }],
  });

/** In a patch `null` removes a label, or all of them. */
export const LabelsPatch = () =>
  Nullable(
    Type.Unsafe<Record<string, string | null>>({
      type: 'object',
      patternProperties: { [labelKey]: Nullable(labelValue) },
      additionalProperties: false,
      maxProperties: 64,
    }),
  );

/** What a provider says of itself beyond the fields of the contract; stored and shown as it is. */
export const Attributes = () =>
  Type.Unsafe<Record<string, unknown>>({ type: 'object', maxProperties: 64, additionalProperties: true });

export const providerKinds = ['individual', 'datacenter', 'browser'] as const;
export const providerLifecycles = ['pending', 'active', 'suspended', 'retired'] as const;
export const nodeLifecycles = ['active', 'maintenance', 'retired'] as const;
export const eligibilities = ['eligible', 'ineligible', 'draining'] as const;
export const livenesses = ['pending', 'online', 'late', 'offline', 'unknown'] as const;

const measure = (maximum: number) => Nullable(Type.Integer({ minimum: 1, maximum }));
const words = (maxLength: number) => Nullable(Type.String({ minLength: 1, maxLength }));

/** What a node says of itself; unknown is null. */
export const systemProperties = {
  os: words(200),
  kernel: words(200),
  cpuModel: words(200),
  cpuCores: measure(65_536),
  memoryTotalMb: measure(2 ** 31 - 1),
  diskTotalGb: measure(2 ** 31 - 1),
  driverVersion: words(64),
  cudaVersion: words(64),
};

export const SystemInput = Type.Partial(Type.Object(systemProperties), {
  $id: 'SystemInput',
  additionalProperties: false,
  examples: [
    {
      os: 'Ubuntu 24.04',
      cpuCores: 64,
      memoryTotalMb: 524288,
      driverVersion: '580.95.05',
      cudaVersion: '13.0',
    },
  ],
});
