import { describe, expect, it } from '@jest/globals';
import { parseFields, parseInclude, project } from './projection.ts';

const known = ['id', 'name', 'region', 'specs'];

describe('fields', () => {
  it('keep what was asked for, and always the id', () => {
    const gpu = { id: '1', name: 'A100', region: 'eu-1', specs: { memoryTotalMb: 1 } };
    expect(project(gpu, parseFields('region,name,name', known))).toEqual({
      id: '1',
      name: 'A100',
      region: 'eu-1',
    });
    expect(project(gpu, parseFields(undefined, known))).toEqual(gpu);
  });

  it.each(['', 'colour', 'name,', 'specs.memoryTotalMb', 'name, region', '__proto__'])(
    'refuse %j',
    (text) => {
      expect(() => parseFields(text, known)).toThrow(/^fields: /);
    },
  );
});

describe('include', () => {
  it('names parts of a closed set', () => {
    expect(parseInclude(undefined, ['layers', 'catalogue'])).toEqual(new Set());
    expect(parseInclude('layers', ['layers', 'catalogue'])).toEqual(new Set(['layers']));
  });

  it.each(['', 'secrets', 'layers,'])('refuses %j', (text) => {
    expect(() => parseInclude(text, ['layers'])).toThrow(/^include: /);
  });
});
