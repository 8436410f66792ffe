/* A small network as there are many: who takes part, with which machines. Prices are what such GPUs cost an hour. */

export interface SeedModel {
  vendor: 'nvidia' | 'amd' | 'intel' | 'other';
  /** As the vendor's tool prints it. */
  name: string;
  pciDeviceId: string | null;
  memoryTotalMb: number;
  powerLimitW: number;
  usdPerHour: number;
}

export const seedModels = {
  h100: {
    vendor: 'nvidia',
    name: 'NVIDIA H100 80GB HBM3',
    pciDeviceId: '10de:2330',
    memoryTotalMb: 81_559,
    powerLimitW: 700,
    usdPerHour: 2.49,
  },
  a100: {
    vendor: 'nvidia',
    name: 'NVIDIA A100-SXM4-80GB',
    pciDeviceId: '10de:20b2',
    memoryTotalMb: 81_920,
    powerLimitW: 400,
    usdPerHour: 1.39,
  },
  l40s: {
    vendor: 'nvidia',
    name: 'NVIDIA L40S',
    pciDeviceId: '10de:26b9',
    memoryTotalMb: 46_068,
    powerLimitW: 350,
    usdPerHour: 0.86,
  },
  a6000: {
    vendor: 'nvidia',
    name: 'NVIDIA RTX A6000',
    pciDeviceId: '10de:2230',
    memoryTotalMb: 49_140,
    powerLimitW: 300,
    usdPerHour: 0.49,
  },
  t4: {
    vendor: 'nvidia',
    name: 'Tesla T4',
    pciDeviceId: '10de:1eb8',
    memoryTotalMb: 15_360,
    powerLimitW: 70,
    usdPerHour: 0.15,
  },
  rtx4090: {
    vendor: 'nvidia',
    name: 'NVIDIA GeForce RTX 4090',
    pciDeviceId: '10de:2684',
    memoryTotalMb: 24_564,
    powerLimitW: 450,
    usdPerHour: 0.37,
  },
  /** A smaller GPU that was made to report a greater name. */
  fake4090: {
    vendor: 'nvidia',
    name: 'NVIDIA GeForce RTX 4090',
    pciDeviceId: '10de:2684',
    memoryTotalMb: 12_288,
    powerLimitW: 170,
    usdPerHour: 0.19,
  },
  rtx3090: {
    vendor: 'nvidia',
    name: 'NVIDIA GeForce RTX 3090',
    pciDeviceId: '10de:2204',
    memoryTotalMb: 24_576,
    powerLimitW: 350,
    usdPerHour: 0.22,
  },
  rtx5060ti: {
    vendor: 'nvidia',
    name: 'NVIDIA GeForce RTX 5060 Ti',
    pciDeviceId: '10de:2d04',
    memoryTotalMb: 16_311,
    powerLimitW: 180,
    usdPerHour: 0.11,
  },
  rtx3080: {
    vendor: 'nvidia',
    name: 'NVIDIA GeForce RTX 3080',
    pciDeviceId: '10de:2206',
    memoryTotalMb: 10_240,
    powerLimitW: 320,
    usdPerHour: 0.12,
  },
  mi300x: {
    vendor: 'amd',
    name: 'AMD Instinct MI300X',
    pciDeviceId: '1002:74a1',
    memoryTotalMb: 196_592,
    powerLimitW: 750,
    usdPerHour: 1.99,
  },
  a770: {
    vendor: 'intel',
    name: 'Intel Arc A770',
    pciDeviceId: '8086:56a0',
    memoryTotalMb: 16_384,
    powerLimitW: 225,
    usdPerHour: 0.09,
  },
  /** No catalogue knows it. */
  prototype: {
    vendor: 'other',
    name: 'Inference Card P1',
    pciDeviceId: null,
    memoryTotalMb: 32_768,
    powerLimitW: 150,
    usdPerHour: 0.25,
  },
} as const satisfies Record<string, SeedModel>;

type ModelName = keyof typeof seedModels;

const times = (count: number, model: ModelName): ModelName[] => new Array<ModelName>(count).fill(model);

/**
 * `silent`: heard once, then never again. `new`: registered and not heard yet. `maintenance`: says so itself.
 * `draining`: takes nothing new. `shrunk`: its last GPU has gone missing.
 */
export type NodeState = 'healthy' | 'silent' | 'new' | 'maintenance' | 'draining' | 'shrunk';

export interface SeedNode {
  hostname: string;
  gpus: readonly ModelName[];
  state?: NodeState;
  zone?: string;
}

export interface SeedProvider {
  name: string;
  /** The part before the @. */
  mailbox: string;
  kind: 'individual' | 'datacenter' | 'browser';
  region: string;
  country: string;
  lifecycle?: 'pending';
  nodes: readonly SeedNode[];
}

export const seedFleet: readonly SeedProvider[] = [
  {
    name: 'Northern Lights Compute',
    mailbox: 'ops@northern-lights.example',
    kind: 'datacenter',
    region: 'eu-north',
    country: 'SE',
    nodes: [
      { hostname: 'lulea-h100-01', zone: 'hall-1', gpus: times(8, 'h100') },
      { hostname: 'lulea-h100-02', zone: 'hall-1', gpus: times(8, 'h100') },
      { hostname: 'lulea-h100-03', zone: 'hall-2', gpus: times(8, 'h100'), state: 'draining' },
    ],
  },
  {
    name: 'Rhein GPU Werke',
    mailbox: 'noc@rhein-gpu.example',
    kind: 'datacenter',
    region: 'eu-central',
    country: 'DE',
    nodes: [
      { hostname: 'fra-a100-01', zone: 'cage-4', gpus: times(8, 'a100') },
      { hostname: 'fra-a100-02', zone: 'cage-4', gpus: times(8, 'a100'), state: 'maintenance' },
      { hostname: 'fra-l40s-01', zone: 'cage-5', gpus: times(4, 'l40s') },
      { hostname: 'fra-t4-01', zone: 'cage-5', gpus: times(4, 't4'), state: 'silent' },
    ],
  },
  {
    name: 'Desert Sun Hosting',
    mailbox: 'hello@desert-sun.example',
    kind: 'datacenter',
    region: 'us-west',
    country: 'US',
    nodes: [
      { hostname: 'phx-mi300x-01', gpus: times(8, 'mi300x') },
      { hostname: 'phx-a6000-01', gpus: times(4, 'a6000'), state: 'shrunk' },
      { hostname: 'phx-a6000-02', gpus: times(4, 'a6000') },
      { hostname: 'phx-lab-01', gpus: times(2, 'prototype') },
    ],
  },
  {
    name: 'Rig in the Attic',
    mailbox: 'lena@attic.example',
    kind: 'individual',
    region: 'eu-central',
    country: 'AT',
    nodes: [{ hostname: 'attic', gpus: ['rtx3090', 'rtx5060ti'] }],
  },
  {
    name: 'Seoul Render Club',
    mailbox: 'club@seoul-render.example',
    kind: 'individual',
    region: 'ap-northeast',
    country: 'KR',
    nodes: [
      { hostname: 'render-1', gpus: times(2, 'rtx4090') },
      { hostname: 'render-2', gpus: ['rtx4090', 'fake4090'] },
    ],
  },
  {
    name: 'Old Mine Ltd',
    mailbox: 'foreman@old-mine.example',
    kind: 'individual',
    region: 'us-east',
    country: 'US',
    nodes: [
      { hostname: 'shaft-1', gpus: times(6, 'rtx3080') },
      { hostname: 'shaft-2', gpus: times(6, 'rtx3080'), state: 'silent' },
    ],
  },
  {
    name: 'Bengaluru Browser Pool',
    mailbox: 'pool@browser-gpu.example',
    kind: 'browser',
    region: 'ap-south',
    country: 'IN',
    nodes: [
      { hostname: 'tab-4711', gpus: ['a770'] },
      { hostname: 'tab-4712', gpus: ['a770'], state: 'new' },
    ],
  },
  {
    name: 'Fresh Start GPU',
    mailbox: 'founder@fresh-start.example',
    kind: 'individual',
    region: 'sa-east',
    country: 'BR',
    lifecycle: 'pending',
    nodes: [{ hostname: 'garage-1', gpus: ['rtx3090'], state: 'new' }],
  },
];
