import { describe, expect, it } from '@jest/globals';
import * as read from './values.ts';

describe('reading', () => {
  it.each([
    'N/A',
    '[N/A]',
    ' Unknown Error ',
    '[Unknown Error]',
    'Requested functionality has been deprecated',
    '[Requested functionality has been deprecated]',
    'Not Found',
    'GPU is lost',
    '[REDACTED]',
    '',
    undefined,
  ])('takes %p for unknown', (text) => {
    expect(read.reading(text)).toBeNull();
    expect(read.quantity(text)).toBeNull();
  });

  it('keeps any other text', () => {
    expect(read.reading(' Tesla T4 ')).toBe('Tesla T4');
  });
});

describe('quantity', () => {
  it.each([
    ['40.50 W', 40.5],
    ['16x', 16],
    ['(500Mhz)', 500],
    ['808Mhz', 808],
    ['99 %', 99],
    ['8119 MiB', 8119],
    ['-7 C', -7],
    ['45.0', 45],
    [12, 12],
  ])('reads %p', (text, number) => {
    expect(read.quantity(text)).toBe(number);
  });

  it.each(['N/A (Secondary die)', '0x1E8110DE', '1 (16.0GT/s x16)', 'Enabled'])(
    'does not guess at %p',
    (text) => {
      expect(read.quantity(text)).toBeNull();
    },
  );
});

describe('PCI', () => {
  it('writes one slot in one way', () => {
    expect(read.pciBusId('0000:0C:00.0')).toBe('00000000:0c:00.0');
    expect(read.pciBusId('00000000:0C:00.0')).toBe('00000000:0c:00.0');
    expect(read.pciBusId('0C:00.0')).toBe('00000000:0c:00.0');
    expect(read.pciBusId('00001580:00:00.0')).toBe('00001580:00:00.0');
    expect(read.pciBusId('card0')).toBeNull();
  });

  it('turns NVML device ids round, and refuses what is not NVIDIA', () => {
    expect(read.nvidiaPciDeviceId('268410DE')).toBe('10de:2684');
    expect(read.nvidiaPciDeviceId('0x1E8110DE')).toBe('10de:1e81');
    expect(read.nvidiaPciDeviceId('000000DE')).toBeNull();
    expect(read.nvidiaPciDeviceId('[REDACTED]')).toBeNull();
  });
});

describe('the small ones', () => {
  it('keeps a percentage within 100', () => {
    expect(read.percent('104 %')).toBe(100);
    expect(read.percent('63 %')).toBe(63);
  });

  it('rounds bytes to MiB', () => {
    expect(read.bytesToMb('12868124672')).toBe(12_272);
  });

  it('adds only what is known', () => {
    expect(read.sumKnown([1, null, 2])).toBe(3);
    expect(read.sumKnown([null, null])).toBeNull();
  });

  it('takes zeros for no serial', () => {
    expect(read.serialNumber('0000000000000')).toBeNull();
    expect(read.serialNumber('0322416026235')).toBe('0322416026235');
  });

  it('sees a switch in either position, and none in silence', () => {
    expect(read.hasSwitch('Disabled')).toBe(true);
    expect(read.hasSwitch('Enabled')).toBe(true);
    expect(read.hasSwitch('N/A')).toBeNull();
  });
});
