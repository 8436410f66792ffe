import { describe, expect, it } from '@jest/globals';
import {
  boolean,
  fraction,
  integer,
  list,
  oneOf,
  optional,
  optionalInteger,
  readSettings,
  type Setting,
  type Settings,
  text,
} from './settings.ts';

const port = integer('PORT', 'Port', { default: 3000, min: 0, max: 65_535 });
const share = fraction('SHARE', 'Share', 0.2);
const open = boolean('OPEN', 'Open', false);
const level = oneOf('LEVEL', 'Level', ['info', 'warn'], 'info');
const host = text('HOST', 'Host', '127.0.0.1');
const secret = optional('SECRET', 'Secret', { secret: true, pattern: /^[a-z]{4}$/, rule: 'four letters' });
const pattern = optional('PATTERN', 'Pattern', { pattern: /^x+$/ });
const size = optionalInteger('SIZE', 'Size', 1, 9);
const names = list('NAMES', 'Names', { pattern: /^[a-z]+$/, rule: 'names in lower case' });
const anything = list('ANYTHING', 'Anything');

describe('a setting', () => {
  it.each<[Setting<unknown>, string | undefined, unknown]>([
    [port, undefined, 3000],
    [port, '0', 0],
    [port, '65535', 65_535],
    [share, undefined, 0.2],
    [share, '0', 0],
    [share, '1', 1],
    [share, '0.05', 0.05],
    [open, undefined, false],
    [open, 'true', true],
    [open, 'false', false],
    [level, undefined, 'info'],
    [level, 'warn', 'warn'],
    [host, undefined, '127.0.0.1'],
    [host, ' 0.0.0.0 ', '0.0.0.0'],
    [secret, undefined, null],
    [secret, 'abcd', 'abcd'],
    [size, undefined, null],
    [size, '9', 9],
    [names, undefined, []],
    [names, ' a, b ,,c ', ['a', 'b', 'c']],
    [anything, '10.0.0.0/8,::1', ['10.0.0.0/8', '::1']],
  ])('%# is read', (setting, given, value) => {
    expect(setting.parse(given)).toEqual(value);
  });

  it.each<[Setting<unknown>, string, string]>([
    [port, '65536', 'an integer from 0 to 65535'],
    [port, '-1', 'an integer from 0 to 65535'],
    [port, '1.5', 'an integer from 0 to 65535'],
    [port, '0x10', 'an integer from 0 to 65535'],
    [port, ' 80', 'an integer from 0 to 65535'],
    [share, '1.01', 'a number from 0 to 1'],
    [share, '-0.1', 'a number from 0 to 1'],
    [share, 'half', 'a number from 0 to 1'],
    [share, '0x1', 'a number from 0 to 1'],
    [share, ' ', 'a number from 0 to 1'],
    [open, 'yes', 'true or false'],
    [open, 'TRUE', 'true or false'],
    [level, 'loud', 'one of info, warn'],
    [host, '  ', 'not empty'],
    [secret, 'ABCDE', 'four letters'],
    [pattern, 'y', 'like ^x+$'],
    [size, '10', 'an integer from 1 to 9'],
    [names, 'a,B', 'names in lower case'],
  ])('%# is refused by what it must be', (setting, given, rule) => {
    expect(() => setting.parse(given)).toThrow(new Error(rule));
  });

  it('says its default and its range where it is documented', () => {
    expect([port.defaultText, share.defaultText, size.defaultText]).toEqual(['3000', '0.2', '']);
    expect([port.doc, share.doc, level.doc, size.doc]).toEqual([
      'Port (0–65535)',
      'Share (0–1)',
      'Level (info, warn)',
      'Size (1–9)',
    ]);
    expect([secret.secret, port.secret]).toEqual([true, false]);
  });
});

describe('a section', () => {
  const section: Settings = { port, open, secret, names };

  it('takes an empty variable as unset', () => {
    const faults: string[] = [];
    const values = readSettings({ PORT: '', OPEN: '', SECRET: '', NAMES: '' }, section, faults);
    expect(values).toEqual({ port: 3000, open: false, secret: null, names: [] });
    expect(faults).toEqual([]);
  });

  it('collects all faults, and tells no value', () => {
    const faults: string[] = [];
    readSettings({ PORT: 'http', OPEN: 'maybe', SECRET: 'hunter2' }, section, faults);
    expect(faults).toEqual([
      'PORT must be an integer from 0 to 65535',
      'OPEN must be true or false',
      'SECRET must be four letters',
    ]);
  });

  it('cannot be changed afterwards', () => {
    const values = readSettings({ NAMES: 'a' }, { port, names }, []);
    expect(() => Object.assign(values, { port: 1 })).toThrow(TypeError);
    expect(() => (values.names as string[]).push('b')).toThrow(TypeError);
  });
});
