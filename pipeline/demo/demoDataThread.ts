import { parentPort } from 'node:worker_threads';
import { type DemoClipTask, writeDemoClip } from './demoClipFiles.js';

// Draws one clip per message and answers with its id, or with what went wrong.
parentPort!.on('message', async (task: DemoClipTask) => {
  try {
    await writeDemoClip(task);
    parentPort!.postMessage({ id: task.id });
  } catch (error) {
    parentPort!.postMessage({ id: task.id, error });
  }
});
