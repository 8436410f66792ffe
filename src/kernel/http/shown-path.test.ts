import { expect, it } from '@jest/globals';
import { shownPath } from './shown-path.ts';

it.each([
  ['/v1/nodes?cursor=x', '/v1/nodes'],
  ['/v1/nodes/dpi_live_3kTMd9xQ2bYz_0123456789', '/v1/nodes/[redacted]'],
  ['/v1/nodes/dpi_enroll_q-0_eV/drain', '/v1/nodes/[redacted]/drain'],
  ['/v1/gpu-models/nvidia-rtx-4090-24gb', '/v1/gpu-models/nvidia-rtx-4090-24gb'],
  ['', ''],
])('%s is shown as %s', (url, shown) => {
  expect(shownPath(url)).toBe(shown);
});
