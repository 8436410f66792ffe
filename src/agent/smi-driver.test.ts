import { describe, expect, it } from '@jest/globals';
import { DriverError } from './driver.ts';
import { smiDriver } from './smi-driver.ts';

/** This Node in the place of a GPU tool: it runs `script`. */
const tool = (script: string) => ({ command: process.execPath, args: ['-e', script] });
const absent = { command: 'no-such-gpu-tool', args: [] };

describe('smiDriver', () => {
  it('reads the first tool that is installed', async () => {
    const driver = smiDriver([absent, tool('console.log("uuid, name\\nGPU-1, Tesla T4")')]);
    expect((await driver.read('node-1')).gpus).toMatchObject([{ uuid: 'GPU-1', name: 'Tesla T4' }]);
  });

  it('says that none is installed', async () => {
    await expect(smiDriver([absent]).read('node-1')).rejects.toThrow(
      'None of no-such-gpu-tool is installed.',
    );
  });

  it('tells what a failing tool said', async () => {
    const failing = tool('console.error("Unable to determine the device handle"); process.exit(15)');
    const reading = smiDriver([failing]).read('node-1');
    await expect(reading).rejects.toThrow(DriverError);
    await expect(reading).rejects.toThrow('Unable to determine the device handle');
  });
});
