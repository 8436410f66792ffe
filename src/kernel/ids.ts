import { v7 } from 'uuid';

/** A new UUIDv7 (RFC 9562): index locality, made in the application; nothing is ever ordered by it. */
export const newId = (): string => v7();
