import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Gate, gates, maskOf, reasonsOf } from './gates.ts';

const names = Object.keys(gates) as Gate[];

describe('the gates', () => {
  it('keep the bits that are stored', () => {
    expect(gates).toMatchObject({
      provider_not_active: 1,
      node_not_active: 2,
      node_ineligible: 4,
      node_draining: 8,
      node_offline: 16,
      node_not_heard: 32,
      gpu_not_active: 64,
      gpu_missing: 128,
      gpu_failed: 256,
      node_maintenance: 512,
      gpu_quarantined: 1024,
      gpu_cleaning: 2048,
      node_failed: 4096,
      maintenance_window: 8192,
      level_too_low: 16384,
      node_flapping: 32768,
      parent_gpu_blocked: 65536,
      partition_unclean: 131072,
    });
  });

  it('have one bit each, all within an integer column', () => {
    const bits = Object.values(gates);
    expect(new Set(bits).size).toBe(bits.length);
    for (const bit of bits) expect([Number.isInteger(Math.log2(bit)), bit < 2 ** 31]).toEqual([true, true]);
  });

  it('can be read back from their mask, in the order of their bits', () => {
    fc.assert(
      fc.property(fc.subarray(names), fc.constant(names), (chosen, order) => {
        const reasons = reasonsOf(maskOf(...chosen));
        expect(reasons).toEqual(order.filter((name) => chosen.includes(name)));
      }),
    );
    expect(reasonsOf(0)).toEqual([]);
    expect(maskOf()).toBe(0);
  });

  it('count once however often they are named', () => {
    expect(maskOf('gpu_failed', 'gpu_failed')).toBe(gates.gpu_failed);
  });

  it('leave bits of a later release alone', () => {
    expect(reasonsOf(gates.gpu_missing | (2 ** 30))).toEqual(['gpu_missing']);
  });
});
