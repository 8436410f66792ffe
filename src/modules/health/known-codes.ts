/** What somebody has to do, the mildest first. */
export const recommendedActions = [
  'none',
  'monitor',
  'restart_workload',
  'run_diagnostics',
  'inspect_hardware',
  'reset_gpu',
  'restart_node',
  'replace_gpu',
] as const;
export type RecommendedAction = (typeof recommendedActions)[number];

type Remedy = Exclude<RecommendedAction, 'none' | 'monitor' | 'restart_workload'>;

/** Severity and action agree by their types: what is fatal needs more than patience or another try. */
export type KnownCode =
  | { fatal: true; action: Remedy }
  | { fatal: false; action: Exclude<RecommendedAction, 'none'> };

const fatal = (action: Remedy): KnownCode => ({ fatal: true, action });
const minor = (action: Exclude<RecommendedAction, 'none'>): KnownCode => ({ fatal: false, action });

/**
 * Codes that are known, by check; both are open sets. Xid numbers mean what NVIDIA's catalogue says, with its
 * immediate action in our words.
 *
 * @see https://docs.nvidia.com/deploy/xid-errors/
 */
export const knownCodes: Readonly<Record<string, Readonly<Record<string, KnownCode>>>> = {
  xid: {
    13: minor('restart_workload'), // graphics engine exception
    31: minor('restart_workload'), // memory page fault
    32: minor('restart_workload'), // corrupted push buffer
    43: minor('restart_workload'), // workload stopped by a fault of its own
    45: minor('restart_workload'), // clean-up after an earlier error
    48: fatal('reset_gpu'), // uncorrectable (double-bit) ECC error
    62: fatal('reset_gpu'), // micro-controller halted
    63: minor('reset_gpu'), // row remapping pending: takes effect at the next reset
    64: fatal('replace_gpu'), // row remapping failed
    74: fatal('inspect_hardware'), // NVLink error
    79: fatal('restart_node'), // fallen off the bus
    92: minor('monitor'), // many correctable ECC errors
    94: minor('restart_workload'), // contained ECC error
    95: fatal('reset_gpu'), // uncontained ECC error
    119: fatal('reset_gpu'), // GSP firmware does not answer
    120: fatal('reset_gpu'), // GSP firmware failed
    140: fatal('reset_gpu'), // unrecovered ECC error
  },
  ecc: {
    correctable: minor('monitor'),
    uncorrectable: fatal('reset_gpu'),
    row_remap_pending: minor('reset_gpu'),
    row_remap_failed: fatal('replace_gpu'),
  },
  memory: {
    pattern_mismatch: fatal('replace_gpu'),
    bandwidth_low: minor('run_diagnostics'),
  },
  thermal: {
    slowdown: minor('inspect_hardware'),
    shutdown: fatal('inspect_hardware'),
  },
  power: {
    brake: minor('inspect_hardware'),
    lost: fatal('inspect_hardware'),
  },
  nvlink: {
    crc_errors: minor('monitor'),
    link_down: fatal('inspect_hardware'),
  },
  pcie: {
    link_degraded: minor('inspect_hardware'),
    fatal_error: fatal('restart_node'),
    fallen_off_bus: fatal('restart_node'),
  },
  driver: {
    version_mismatch: minor('restart_node'),
    not_loaded: fatal('restart_node'),
  },
};
