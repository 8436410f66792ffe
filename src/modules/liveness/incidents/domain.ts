/** `offline`: the node's own silence. `unknown`: the breaker had tripped, so nobody knows whose. */
export const incidentKinds = ['offline', 'unknown'] as const;
export type IncidentKind = (typeof incidentKinds)[number];
