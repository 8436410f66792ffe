import { InvalidArgumentError } from 'commander';

/* What the text of an option becomes; what it cannot be is told by the option's name. */

export function positiveInteger(value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value))
    throw new InvalidArgumentError('A whole number from 1 to 9999 is needed.');
  return Number(value);
}

/** The base address of a service. */
export function webAddress(value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new InvalidArgumentError('Not an http(s) address.');
  return value.replace(/\/+$/, '');
}
