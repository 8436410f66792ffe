import { parseAmdgpuTop } from './parsers/amdgpu-top-json.ts';
import { parseNvidiaCsv } from './parsers/nvidia-csv.ts';
import { parseNvidiaXml } from './parsers/nvidia-xml.ts';
import { parseRocmSmi } from './parsers/rocm-json.ts';
import { type AgentSnapshot, SnapshotError } from './snapshot.ts';
import { isRecord } from './values.ts';

/**
 * Reads the output of a GPU tool, whichever of the known ones printed it. `scope` (the node's id) only enters
 * the uuids that we must derive.
 * @throws {SnapshotError} with what was expected, when the text is of no known tool or is damaged.
 */
export function parseSnapshot(text: string, scope = ''): AgentSnapshot {
  const body = text.replace(/^\uFEFF/, '').trim();
  if (body === '') throw new SnapshotError('The document is empty.');
  if (body.startsWith('<')) return parseNvidiaXml(body, scope);
  if (/^(\{|\[\s*\{)/.test(body)) return parseJson(body, scope);
  return parseNvidiaCsv(body, scope);
}

function parseJson(text: string, scope: string): AgentSnapshot {
  const document = decode(text);
  if (Array.isArray(document) && document.some((device) => isRecord(device) && 'DeviceName' in device))
    return parseAmdgpuTop(document, scope);
  if (isRecord(document) && Object.keys(document).some((key) => /^card\d+$/.test(key)))
    return parseRocmSmi(document, scope);
  throw new SnapshotError(
    'JSON of no known GPU tool: rocm-smi has members `card0`…, amdgpu_top is a list of devices.',
  );
}

function decode(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (/"simd_count"/.test(text.slice(0, 2000)))
      throw new SnapshotError('KFD topology names neither GPUs nor memory; use `rocm-smi --json`.', {
        cause,
      });
    throw new SnapshotError(`Not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
