const form = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/;

/** The caller's trace, of a W3C Trace Context `traceparent` header; null where it is absent or not valid. */
export function parseTraceparent(header: unknown): { traceId: string; parentId: string } | null {
  if (header === undefined) return null;
  const [, traceId = '', parentId = ''] = form.exec(String(header)) ?? [];
  const valid = /[1-9a-f]/.test(traceId) && /[1-9a-f]/.test(parentId) && !String(header).startsWith('ff');
  return valid ? { traceId, parentId } : null;
}
