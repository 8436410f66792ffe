/** What a command's exit code says to a script; the same for all commands. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  unreadable: 2,
  refused: 3,
  unreachable: 4,
  settings: 78,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Shown under the help of the program. */
export const exitCodesHelp = `
Exit codes:
  0   done, nothing to do, or all is well
  1   it failed, was used wrongly, or what it checks is broken
  2   what was to be read (output of a GPU tool, a file) cannot be read
  3   refused: the state of the database, or the service, does not allow it
  4   the database or the service cannot be reached
  78  the settings in the environment are not usable

With --json the answer, or {"error": …}, is one JSON value on standard output.`;
