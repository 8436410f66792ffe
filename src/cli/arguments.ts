import { InvalidArgumentError } from 'commander';
import { permissionNames } from '../modules/access/index.ts';

/* What the text of an option becomes; commander names the option in front of what is thrown here. */

export function positiveInteger(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('A whole number from 1 on is needed.');
  return Number(value);
}

/** A number above 0, such as 0.5. */
export function positiveNumber(value: string): number {
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(value) || Number(value) === 0)
    throw new InvalidArgumentError('A number above 0 is needed.');
  return Number(value);
}

/** A part of a whole, 0 to 1. */
export function share(value: string): number {
  if (!/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/.test(value))
    throw new InvalidArgumentError('A number from 0 to 1 is needed.');
  return Number(value);
}

/** The base address of a service, without a slash at its end. */
export function webAddress(value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new InvalidArgumentError('Not an http(s) address.');
  return value.replace(/\/+$/, '');
}

export function uuid(value: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value))
    throw new InvalidArgumentError('Not an id.');
  return value.toLowerCase();
}

/** A moment to come, such as `2027-01-31` or `2027-01-31T12:00:00Z`. */
export function futureMoment(value: string): string {
  const moment = new Date(value);
  if (Number.isNaN(moment.getTime())) throw new InvalidArgumentError('Not a date or time of ISO 8601.');
  if (moment.getTime() <= Date.now()) throw new InvalidArgumentError('That moment has passed.');
  return moment.toISOString();
}

export function keyName(value: string): string {
  if (value.length < 1 || value.length > 200)
    throw new InvalidArgumentError('1 to 200 characters are needed.');
  return value;
}

type Permission = (typeof permissionNames)[number];

const isPermission = (name: string): name is Permission => (permissionNames as string[]).includes(name);

/** Permissions separated by commas. */
export const permissionList = (value: string): Permission[] =>
  value.split(',').map((text) => {
    const name = text.trim();
    if (isPermission(name)) return name;
    throw new InvalidArgumentError(`"${name}" is no permission: ${permissionNames.join(', ')}.`);
  });
