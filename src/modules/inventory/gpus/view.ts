import type { Static } from 'typebox';
import type { Gpu, GpuInput as Input } from './schemas.ts';

export type GpuView = Static<typeof Gpu>;
export type GpuInput = Static<typeof Input>;
