import { AppError, notFound, unavailable } from '../../kernel/errors.ts';

export const overloaded = () =>
  unavailable('heartbeat.overloaded', 'More heartbeats are waiting to be stored than the queue holds.');

/** The node is not the key's own; whether it exists is not said. `pointer` leads to its id in the body. */
export const foreignNode = (pointer: string) =>
  new AppError(403, 'heartbeat.foreign_node', 'This key may not send heartbeats of that node.', {
    errors: [{ pointer, detail: 'is not a node of this key' }],
  });

/** For callers that may know that there is no such node: operators, and an agent whose node was deleted. */
export const unknownNode = (pointer: string) => {
  const { status, code, message } = notFound('node');
  return new AppError(status, code, message, { errors: [{ pointer, detail: 'is not a known node' }] });
};
