import type { IncomingStore } from '../../studio/incoming.ts';
import { type PortLike, portChannel } from '../../studio/port-channel.ts';
import { headerOf } from '../../studio/protocol.ts';
import { openWire } from '../../studio/wire.ts';
import { projectFolder } from './project-folder.ts';

/** Records kept by a worker that does nothing else. */
export function openIncoming(): IncomingStore {
  // Bundlers recognise this expression and bundle the program.
  const worker = new Worker(new URL('./incoming-worker.js', import.meta.url), { type: 'module' });
  const ended = new Promise((resolve) => {
    worker.onerror = resolve;
  });
  const channel = portChannel(worker as unknown as PortLike, ended);
  const wire = openWire(channel);
  channel.onMessage(({ header, parts }) => wire.handle(headerOf(header), parts));
  channel.onClose(() => wire.close());
  return {
    write: async (project, record, isFirst) =>
      wire.ask({ call: 'write', args: [projectFolder(project), record, isFirst] }),
    close: () => wire.ask({ call: 'close', args: [] }),
    dispose() {
      wire.close();
      channel.close();
    },
  };
}
