import type { Ping } from './echoes.ts';

/** What replicas say on the bus. */
export type Message =
  | ({ kind: 'ping' } & Ping)
  | { kind: 'drop'; from: string; tags: readonly string[] }
  | { kind: 'bye'; from: string };

const isText = (value: unknown): value is string => typeof value === 'string';

const isPing = ({ at, heard }: Record<string, unknown>): boolean =>
  typeof at === 'number' && typeof heard === 'object' && heard !== null;

/** Null for anything that no replica of ours would say. */
export function parseMessage(text: string): Message | null {
  try {
    const message = JSON.parse(text) as Record<string, unknown>;
    const { kind, from, tags } = message;
    const known =
      isText(from) &&
      ((kind === 'ping' && isPing(message)) ||
        (kind === 'drop' && Array.isArray(tags) && tags.every(isText)) ||
        kind === 'bye');
    return known ? (message as Message) : null;
  } catch {
    return null;
  }
}
