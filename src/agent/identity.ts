import type { AgentOptions } from './agent-options.ts';
import type { Identity } from './client.ts';
import type { HostFacts } from './host.ts';
import type { AgentState } from './state-file.ts';
import { known } from './wire.ts';

/** The agent has no state and was given neither token nor key. */
export class NoCredentialError extends Error {
  override readonly name = 'NoCredentialError';
}

/**
 * The state of this agent: its own from an earlier run, or a new one for the given key or token. It is saved before
 * anything else happens, for the token is spent.
 * @throws {ServiceError} when the service refuses the token or key.
 * @throws {NoCredentialError} when there is neither.
 */
export async function identify(options: AgentOptions, facts: HostFacts): Promise<AgentState> {
  const { credential, store, url } = options;
  const saved = await store.load();
  const mine = saved?.url === url ? saved : null;
  if (mine && (!credential || 'token' in credential || credential.apiKey === mine.apiKey)) return mine;
  if (!credential)
    throw new NoCredentialError('Not enrolled at this service yet: a token or a key is needed.');
  const identity = await introduce(options, credential, facts);
  const counted =
    mine?.nodeId === identity.nodeId
      ? mine
      : { generation: 0, sequence: 0, inventoryDigest: null, drain: null };
  const state = { ...counted, ...identity, url };
  await store.save(state);
  options.report({ event: 'enrolled', nodeId: state.nodeId });
  return state;
}

async function introduce(
  { client, hostname }: AgentOptions,
  credential: NonNullable<AgentOptions['credential']>,
  facts: HostFacts,
): Promise<Identity> {
  if ('token' in credential) return client.enroll(credential.token, hostname, known(facts));
  return { nodeId: await client.ownNodeId(credential.apiKey), apiKey: credential.apiKey };
}
