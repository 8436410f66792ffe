import type { Api } from './api.ts';
import { type DemoAgent, startAgent } from './demo-agents.ts';
import type { Story } from './story.ts';

/** Everybody in the story. */
export interface Cast {
  operator: Api;
  provider: { id: string };
  agents: { rack: DemoAgent; rig: DemoAgent };
  tenants: { anna: Tenant; ben: Tenant };
}

interface Tenant {
  keyId: string;
  api: Api;
}

/** A provider, two nodes whose agents enrol with one-time tokens, and two tenants with keys of their own. */
export async function assemble(story: Story, operator: Api, signal: AbortSignal): Promise<Cast> {
  const tag = Date.now().toString(36);
  story.chapter('A provider registers, and two of its nodes enrol');
  const provider = await story.ask<{ id: string }>({
    who: 'operator',
    api: operator,
    method: 'POST',
    path: '/v1/providers',
    body: {
      name: `Demo ${tag}`,
      email: `demo-${tag}@example.test`,
      region: 'eu-central',
      kind: 'datacenter',
    },
    status: 201,
    show: ['id', 'name', 'lifecycle'],
  });
  const enrol = (node: { hostname: string; gpus: string }) =>
    enrolNode(story, operator, { ...node, providerId: provider.id, signal });
  const agents = {
    rack: await enrol({ hostname: `rack-${tag}`, gpus: 'healthy,healthy,mig' }),
    rig: await enrol({ hostname: `rig-${tag}`, gpus: 'healthy,spoofed' }),
  };
  story.chapter('Two tenants get keys');
  const tenants = {
    anna: await tenantOf(story, operator, 'Demo tenant Anna'),
    ben: await tenantOf(story, operator, 'Demo tenant Ben'),
  };
  return { operator, provider, agents, tenants };
}

async function enrolNode(
  story: Story,
  operator: Api,
  { providerId, ...node }: { providerId: string; hostname: string; gpus: string; signal: AbortSignal },
): Promise<DemoAgent> {
  const { token } = await story.ask<{ token: string }>({
    who: 'operator',
    api: operator,
    method: 'POST',
    path: `/v1/providers/${providerId}/enrollment-tokens`,
    body: {},
    status: 201,
    show: ['expiresAt'],
  });
  let first = true;
  return startAgent({
    url: operator.url,
    token,
    ...node,
    report({ event, ...fields }) {
      if (first) story.note(`agent    ${event} ${JSON.stringify(fields)}`);
      first &&= event !== 'heartbeat';
    },
  });
}

/** Tenants cannot be deleted: one of an earlier demo is used again, with a new key. */
async function tenantOf(story: Story, operator: Api, name: string): Promise<Tenant> {
  const found = await operator.get<{ items: { id: string }[] }>(
    `/v1/tenants?name=${encodeURIComponent(name)}&limit=1`,
  );
  const id = found.items[0]?.id ?? (await operator.post<{ id: string }>('/v1/tenants', { name })).id;
  const key = await story.ask<{ id: string; key: string }>({
    who: 'operator',
    api: operator,
    method: 'POST',
    path: '/v1/api-keys',
    body: { name, role: 'tenant', tenantId: id },
    status: 201,
    show: ['id', 'role', 'hint'],
  });
  return { keyId: key.id, api: operator.as(key.key) };
}

/** The demo's provider with all it has, and the keys of its tenants. */
export async function cleanUp({ operator, provider, tenants }: Cast): Promise<void> {
  const any = { 'if-match': '*' };
  await operator.send('DELETE', `/v1/providers/${provider.id}`, undefined, any);
  for (const { keyId } of [tenants.anna, tenants.ben])
    await operator.send('DELETE', `/v1/api-keys/${keyId}`, undefined, any);
}
